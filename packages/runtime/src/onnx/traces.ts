import onnxProto from "onnx-proto";
import type { TensorFunction } from "../jit.ts";
import { trace, type Trace } from "./trace.ts";

const { onnx } = onnxProto;
export type NodeProto = Parameters<typeof onnx.NodeProto.encode>[0];
export type TensorProto = Parameters<typeof onnx.TensorProto.encode>[0];

/** A function's graph at one of several sizes of its inputs. */
export interface TraceAt extends Trace {
  readonly proto: Parameters<typeof onnx.ModelProto.encode>[0];
  /** In the order of computation. */
  readonly nodes: readonly NodeProto[];
  readonly constants: ReadonlyMap<string, TensorProto>;
  readonly outputTypes: readonly number[];
}

/** Traces a function on inputs of one size. */
export function traceAt<I, O>(fn: TensorFunction<I, O>, inputs: unknown): TraceAt {
  const found = trace(fn, inputs);
  const proto = onnx.ModelProto.decode(found.graph.bytes);
  const graph = proto.graph!;
  return {
    ...{ ...found, proto },
    nodes: (graph.node as NodeProto[]).toReversed(),
    constants: new Map(graph.initializer!.map((tensor) => [tensor.name!, tensor as TensorProto])),
    outputTypes: graph.output!.map(({ type }) => type!.tensorType!.elemType!),
  };
}

/** What values of the first of several traces are called in each of them. */
export type Names = readonly Map<string, string | undefined>[];

/** The names of the inputs, at first all that is known. */
export const inputNames = (traces: readonly TraceAt[]): Names =>
  traces.map(({ inputs }) => new Map([...traces[0]!.inputs].map(([path, name]) => [name, inputs.get(path)])));

/**
 * The nodes of the first trace, where the others do the same: constants alone may differ, and `constant` says what stands in
 * their place. The names of what nodes give come to `names`.
 *
 * @throws Error for a node that is not there at every size
 */
export function commonNodes(
  traces: readonly TraceAt[],
  names: Names,
  constant: (node: NodeProto, position: number, tensors: readonly TensorProto[]) => string,
): NodeProto[] {
  return traces[0]!.nodes.map((node, index) => {
    const twins = traces.map(({ nodes }) => nodes[index] ?? differ(node.opType));
    if (twins.some((twin) => kindOf(twin) !== kindOf(node))) differ(node.opType);
    node.output!.forEach((name, i) => names.forEach((known, k) => known.set(name, twins[k]!.output![i])));
    const input = node.input!.map((name, i) => {
      const tensors = twins.map((twin, k) => traces[k]!.constants.get(twin.input![i]!));
      if (tensors.every((tensor) => tensor !== undefined)) return constant(node, i, tensors);
      if (twins.some((twin, k) => twin.input![i] !== names[k]!.get(name))) differ(node.opType);
      return name;
    });
    return { ...node, input };
  });
}

const kindOf = ({ opType, attribute, input, output }: NodeProto): string =>
  JSON.stringify([opType, attribute, input!.length, output!.length]);

function differ(op: string | null | undefined): never {
  throw new Error(`onnx: ${op} is not there at every size: the function does something else at another one`);
}
