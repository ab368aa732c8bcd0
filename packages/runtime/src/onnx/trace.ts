import { hostLeaves, isHostLeaf, isTensor, outputsOf } from "../host.ts";
import type { TensorFunction } from "../jit.ts";
import type { NDArray } from "../ndarray.ts";
import { type Random, randomFrom } from "../random.ts";
import { tf } from "../tf.ts";
import { mapTree, type Tree } from "../tree.ts";
import { BACKEND, TracingBackend, type Value } from "./backend.ts";
import { type CompiledGraph, onnxTypes } from "./graph.ts";
import "./gradients.ts";
import "./kernels.ts";
import { uncoveredKernels } from "./kernels/uncovered.ts";

/** A traced function: its graph, and how inputs and outputs stand in it. */
export interface Trace {
  readonly graph: CompiledGraph;
  /** The graph's input for each path of the inputs. */
  readonly inputs: ReadonlyMap<string, string>;
  /** The graph's inputs of random bytes, by site. */
  readonly noise: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** The outputs' tree, with the position in `graph.outputs` for each leaf. */
  readonly outputs: Tree<number>;
  /** The outputs' shapes, by that position. */
  readonly shapes: readonly (readonly number[])[];
  /** Values of the graph, by name. */
  readonly values: ReadonlyMap<string, Pick<Value, "shape" | "dtype">>;
}

const backend = new TracingBackend();
tf.registerBackend(BACKEND, () => backend, 0);

/** Runs `fn` once on symbolic tensors of the inputs' types and shapes, and returns the graph of what it did. */
export function trace<I, O>(fn: TensorFunction<I, O>, inputs: unknown): Trace {
  backend.begin();
  void tf.setBackend(BACKEND);
  try {
    const names = new Map(
      hostLeaves(inputs).map(([path, { dtype, shape }]) => [path, backend.graph.input(dtype, shape)] as const),
    );
    const { random, noise } = tracedRandom();
    const values: Value[] = [];
    let outputs: Tree<number> = [];
    tf.tidy(() => {
      const symbols = mapTree(inputs as Tree<NDArray | number>, isHostLeaf, (leaf, path) =>
        toTensor(backend.value(names.get(path)!, ...signature(leaf))),
      );
      const returned: unknown = fn(symbols as I, random);
      backend.end();
      outputs = mapTree(outputsOf(returned), isTensor, (x) => values.push(x as Value) - 1);
    });
    const graph = backend.graph.model(
      values.map((value) => ({ value: backend.nameOf(value), type: value.dtype, shape: value.shape })),
    );
    return { graph, inputs: names, noise, outputs, shapes: values.map(({ shape }) => shape), values: backend.values };
  } catch (error) {
    const missing = error instanceof Error ? /Kernel '(\w+)' not registered/.exec(error.message)?.[1] : undefined;
    if (missing === undefined) throw error;
    const reason = uncoveredKernels.get(missing);
    throw new Error(`jit: ${missing} has no rule${reason === undefined ? "" : `: ${reason}`}`, { cause: error });
  } finally {
    void tf.setBackend("cpu");
  }
}

const signature = (leaf: NDArray | number) =>
  typeof leaf === "number" ? ([[], "float32"] as const) : ([leaf.shape, leaf.dtype] as const);

const toTensor = (value: Value): tf.Tensor => tf.engine().makeTensorFromTensorInfo(value);

function tracedRandom(): { random: Random; noise: { name: string; shape: readonly number[] }[] } {
  const noise: { name: string; shape: readonly number[] }[] = [];
  const site = (shape: readonly number[]): string => {
    const name = backend.graph.input("uint8", shape);
    noise.push({ name, shape });
    return name;
  };
  const float = (value: Value | string, shape: readonly number[]) =>
    backend.node("Cast", [value], shape, "float32", { to: onnxTypes.float32 });
  const random = randomFrom({
    mask(shape, least) {
      const name = site(shape);
      const mask = (op: string, bound: number) => () =>
        toTensor(float(backend.node(op, [name, backend.graph.constant("uint8", [bound], [])], shape, "bool"), shape));
      // The same said in two ways: onnxruntime computes equal nodes once, and would keep floats where it now keeps bytes.
      return { forward: mask("GreaterOrEqual", least), backward: mask("Greater", least - 1) };
    },
    bytes: (shape) => toTensor(float(site(shape), shape)),
  });
  return { random, noise };
}
