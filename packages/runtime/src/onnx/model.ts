import onnxProto from "onnx-proto";
import type { TensorFunction } from "../jit.ts";
import { ndarray, type NDArray, sizeOf } from "../ndarray.ts";
import type { tf } from "../tf.ts";
import { leaves } from "../tree.ts";
import { onnxTypes } from "./graph.ts";
import { isFixed, type Length, lengthName, lengthsUnder, type Sizes } from "./open-axes.ts";
import { standardNodes } from "./standard-nodes.ts";
import { commonNodes, inputNames, type NodeProto, type TensorProto, traceAt, type TraceAt } from "./traces.ts";

const { onnx } = onnxProto;

/** What a model is made of: a function of integers such as token ids, and of weights, by name. */
export type ModelFunction<I extends string, O extends string> = TensorFunction<
  { readonly inputs: Readonly<Record<I, tf.Tensor2D>>; readonly weights: Readonly<Record<string, tf.Tensor>> },
  Readonly<Record<O, tf.Tensor>>
>;

/** What becomes of a function as an ONNX model. */
export interface ModelOptions<I extends string> {
  /** Axes of the inputs by the names that the model gives them, such as `["batch", "sequence"]`. */
  readonly inputs: Readonly<Record<I, readonly [string, string]>>;
  /** They go into the model under their names, [any shape], float32, where it uses them. */
  readonly weights: Readonly<Record<string, NDArray>>;
  /** Sizes above 1 at which the function is traced, more of them than axes. The model is for every size. */
  readonly sizes: readonly Sizes[];
  /** What the model says made it; nothing by default. */
  readonly producer?: string;
}

/**
 * The bytes of an ONNX model of a function for inputs (int64, [rows, columns]) of every size: weights inside, outputs under
 * the function's names, operators of ONNX alone.
 *
 * The function is traced at several sizes. The graphs differ in lengths only, each a product of open axes and a number:
 * the model computes these from its inputs' shapes.
 *
 * @throws Error where a length is no such product, or the function does something else at another size; RangeError for
 *   weights of 2 GB or more, which an ONNX file cannot hold
 */
export function onnxModel<I extends string, O extends string>(
  fn: ModelFunction<I, O>,
  { inputs, weights, sizes, producer = "" }: ModelOptions<I>,
): Uint8Array {
  const traces = sizes.map((at) => traceAt(fn, { inputs: inputsAt(inputs, at), weights }));
  const [first] = traces as [TraceAt];
  const lengthOf = lengthsUnder(sizes);
  const shapes = openShapes(inputs, lengthOf);
  const body = standardNodes(commonNodes(traces, inputNames(traces), shapes.constant), first.graph.outputs);

  // From here on values have the names that users know.
  const names = new Map([...first.inputs].map(([path, name]) => [name, path.replace(/^(inputs|weights)\./, "")]));
  const outputs = leaves(first.outputs, (node) => typeof node === "number");
  for (const [path, position] of outputs) names.set(first.graph.outputs[position]!, path);
  const used = new Set(body.flatMap(({ input }) => input!.map((name) => names.get(name) ?? name)));
  const ids = Object.keys(inputs).filter((name) => used.has(name));
  for (const name of ids) names.set(first.inputs.get(`inputs.${name}`)!, `${name}.int32`);
  const named = ({ input, output, ...node }: NodeProto): NodeProto => ({
    ...node,
    input: input!.map((name) => names.get(name) ?? name),
    output: output!.map((name) => names.get(name) ?? name),
  });

  const inside = Object.entries(weights).filter(([name]) => used.has(name));
  checkSize(inside.reduce((bytes, [, { data }]) => bytes + data.byteLength, 0));
  const read = [...Object.entries<readonly string[]>(inputs)].filter(([name]) => used.has(name) || shapes.reads(name));
  return onnx.ModelProto.encode({
    ...{ irVersion: 9, opsetImport: [{ domain: "", version: 20 }], producerName: producer },
    graph: {
      name: "model",
      node: [...shapes.nodes, ...ids.map(toInt32), ...body.map(named)],
      input: read.map(([name, axes]) => valueInfo(name, onnxTypes.int64, axes)),
      output: outputs.map(([path, position]) => {
        const dims = first.shapes[position]!.map((_, axis) => {
          const length = lengthOf(traces.map((at) => at.shapes[position]![axis]!));
          if (length === undefined) throw new Error(`onnx: ${path}: its size at axis ${axis} is no product of axes`);
          return isFixed(length) ? length.factor : lengthName(length);
        });
        return valueInfo(path, first.outputTypes[position]!, dims);
      }),
      initializer: [
        ...shapes.constants,
        ...inside.map(([name, { shape, data }]) => ({
          ...{ name, dims: [...shape], dataType: onnxTypes.float32 },
          rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        })),
      ],
    },
  }).finish();
}

/** Inputs of one size: zeros, for values are not looked at. */
function inputsAt(inputs: Readonly<Record<string, readonly string[]>>, at: Sizes): Record<string, NDArray> {
  const ids = Object.entries(inputs).map(([name, axes]) => {
    const shape = axes.map((axis) => at[axis]!);
    return [name, ndarray(new Int32Array(sizeOf(shape)), shape)] as const;
  });
  return Object.fromEntries(ids);
}

/** Constants of a model, and nodes that compute those which depend on the size of its inputs. */
function openShapes(inputs: Readonly<Record<string, readonly string[]>>, lengthOf: ReturnType<typeof lengthsUnder>) {
  const nodes: NodeProto[] = [];
  const constants = new Map<string, TensorProto>();
  const computed = new Map<string, string>();
  const reads = new Set<string>();

  const fixed = (values: readonly number[]): string => {
    const name = `shape.${values.join(",")}`;
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    constants.set(name, { name, dims: [values.length], dataType: onnxTypes.int64, rawData });
    return name;
  };
  const node = (name: string, opType: string, input: string[], attributes: Record<string, number> = {}): string => {
    if (computed.has(name)) return name;
    computed.set(name, name);
    const attribute = Object.entries(attributes).map(([key, i]) => ({ name: key, type: INT, i }));
    nodes.push({ opType, input, output: [name], attribute });
    return name;
  };
  /** The size of an axis, as a vector of one. */
  const sizeOfAxis = (axis: string): string => {
    const [input, axes] = Object.entries(inputs).find(([, axes]) => axes.includes(axis))!;
    reads.add(input);
    const at = axes.indexOf(axis);
    return node(`length.${axis}`, "Shape", [input], { start: at, end: at + 1 });
  };
  const product = (length: Length): string => {
    const axes = Object.entries(length.powers).flatMap(([axis, power]) => Array<string>(power).fill(axis));
    const factors = [...axes.map(sizeOfAxis), ...(length.factor === 1 ? [] : [fixed([length.factor])])];
    return factors.reduce((left, right) => node(`${left} * ${right}`, "Mul", [left, right]));
  };
  const vector = (lengths: readonly Length[], isShape: boolean): string => {
    const open = lengths.filter((length) => !isFixed(length));
    // A single open length of a new shape is what is left over.
    if (isShape && open.length === 1) return fixed(lengths.map((length) => (isFixed(length) ? length.factor : -1)));
    const parts: string[] = [];
    let run: number[] = [];
    const flush = (): void => {
      if (run.length > 0) parts.push(fixed(run));
      run = [];
    };
    for (const length of lengths) {
      if (isFixed(length)) run.push(length.factor);
      else {
        flush();
        parts.push(product(length));
      }
    }
    flush();
    return parts.length === 1 ? parts[0]! : node(`[${parts.join(" ; ")}]`, "Concat", parts, { axis: 0 });
  };

  return {
    nodes,
    get constants(): TensorProto[] {
      return [...constants.values()];
    },
    reads: (input: string): boolean => reads.has(input),
    /** The constant that a node takes, from what it is in each trace. */
    constant({ opType }: NodeProto, position: number, tensors: readonly TensorProto[]): string {
      const [first] = tensors as [TensorProto];
      const bytes = (tensor: TensorProto) => Buffer.from(tensor.rawData!).toString("latin1");
      if (tensors.every((tensor) => bytes(tensor) === bytes(first))) {
        constants.set(first.name!, first);
        return first.name!;
      }
      const values = tensors.map(({ dataType, rawData }) =>
        dataType === onnxTypes.int64 ? [...new BigInt64Array(Uint8Array.from(rawData!).buffer)].map(Number) : [],
      );
      const lengths = values[0]!.map((_, i) => lengthOf(values.map((at) => at[i] ?? NaN)));
      if (lengths.length === 0 || lengths.includes(undefined)) {
        const got = values.map((at) => `[${at.join(",")}]`).join(" and ");
        throw new Error(`onnx: ${opType}: expected lengths that are products of the open axes, got ${got}`);
      }
      return vector(lengths as Length[], opType === "Reshape" && position === 1);
    },
  };
}

const { INT } = onnx.AttributeProto.AttributeType;

/** Ids come as int64, and are computed with as int32. */
const toInt32 = (name: string): NodeProto => ({
  ...{ opType: "Cast", input: [name], output: [`${name}.int32`] },
  attribute: [{ name: "to", type: INT, i: onnxTypes.int32 }],
});

function valueInfo(name: string, elemType: number, axes: readonly (string | number)[]) {
  const dim = axes.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

const MOST_BYTES = 2 ** 31 - 2 ** 20;

function checkSize(bytes: number): void {
  if (bytes < MOST_BYTES) return;
  throw new RangeError(`onnx: expected weights below 2 GB, which is all that one file holds, got ${bytes} bytes`);
}
