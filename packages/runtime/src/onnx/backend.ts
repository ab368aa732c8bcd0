import { tf } from "../tf.ts";
import type { DType } from "../ndarray.ts";
import { type Attributes, Graph, type OnnxType } from "./graph.ts";

export const BACKEND = "onnx";

const VALUES_READ =
  "jit: a tensor's values were read while tracing (dataSync, array, print, booleanMaskAsync, …); shapes and control flow " +
  "must not depend on values: use tf.where, tf.topk or a mask, or return the tensor and read the result";

/** A tensor while a function is traced: a value of the graph, or values known already. */
export interface Value {
  readonly dataId: object;
  readonly shape: number[];
  readonly dtype: DType;
}

type Entry = { readonly name: string } | { readonly values: tf.TypedArray | number[]; readonly dtype: DType };

/**
 * A TensorFlow.js backend that computes nothing: its kernels (`kernels.ts`) append nodes to an ONNX graph and return
 * symbolic tensors, so that running a function once, gradients and all, writes down what it does.
 */
export class TracingBackend extends tf.KernelBackend {
  graph = new Graph();
  /** Values of the graph as they were made, by name. */
  values = new Map<string, Pick<Value, "shape" | "dtype">>();
  #entries = new WeakMap<object, Entry>();
  #waited = false;

  /** Begins another graph; tensors of the one before are unknown to it. */
  begin(): void {
    this.graph = new Graph();
    this.values = new Map();
    this.#entries = new WeakMap();
    this.#waited = false;
  }

  /** @throws Error where the function that was traced has asked for values that come later: `data()`, `array()`, … */
  end(): void {
    if (this.#waited) throw new Error(VALUES_READ);
  }

  /** A new symbolic tensor for a value of the graph. */
  value(name: string, shape: readonly number[], dtype: string): Value {
    const dataId = {};
    this.#entries.set(dataId, { name });
    const value = { dataId, shape: [...shape], dtype: supported(dtype) };
    if (!this.values.has(name)) this.values.set(name, value);
    return value;
  }

  /** Appends a node with one output. */
  node(
    op: string,
    inputs: readonly (Value | string)[],
    shape: readonly number[],
    dtype: string,
    attributes?: Attributes,
  ): Value {
    const names = inputs.map((input) => (typeof input === "string" ? input : this.nameOf(input)));
    return this.value(this.graph.node(op, names, attributes)[0]!, shape, dtype);
  }

  /** The name of a tensor's value in the graph; values known already become constants of it. */
  nameOf({ dataId, shape, dtype }: Value): string {
    const entry = this.#entries.get(dataId);
    if (entry === undefined) {
      const tensor = `a tensor of ${dtype}[${shape.join(",")}]`;
      throw new Error(
        `jit: ${tensor} from outside the function was used in it; pass it as an input, or make it inside`,
      );
    }
    return "name" in entry ? entry.name : this.graph.constant(entry.dtype, entry.values, shape);
  }

  ints(values: readonly number[]): string {
    return this.graph.constant("int64", values);
  }

  input(type: OnnxType, shape: readonly number[]): string {
    return this.graph.input(type, shape);
  }

  override write(values: tf.backend_util.BackendValues, _shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.move(dataId, values, _shape, dtype);
    return dataId;
  }

  override move(dataId: object, values: tf.backend_util.BackendValues, _shape: number[], dtype: tf.DataType): void {
    this.#entries.set(dataId, { values: values as tf.TypedArray, dtype: supported(dtype) });
  }

  override readSync(dataId: object): tf.backend_util.BackendValues {
    const entry = this.#entries.get(dataId);
    if (entry !== undefined && "values" in entry) return entry.values as tf.TypedArray;
    throw new Error(VALUES_READ);
  }

  /** Never settles: a rejection that nobody waits for would end the process. `end` throws instead. */
  override read(dataId: object): Promise<tf.backend_util.BackendValues> {
    const entry = this.#entries.get(dataId);
    if (entry !== undefined && "values" in entry) return Promise.resolve(entry.values as tf.TypedArray);
    this.#waited = true;
    return new Promise(() => {});
  }

  override numDataIds = (): number => 0;
  override disposeData = (): boolean => true;
  override refCount = (): number => 1;
  override incRef = (): void => {};
  override floatPrecision = (): 32 => 32;
  override epsilon = (): number => 1e-7;
  override timerAvailable = (): boolean => false;
  override memory = (): { unreliable: boolean } => ({ unreliable: true });
}

/** The backend of the function that is being traced; none where a function runs. */
export function tracing(): TracingBackend | undefined {
  const { backend } = tf.engine();
  return backend instanceof TracingBackend ? backend : undefined;
}

function supported(dtype: string): DType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new Error(`jit: expected float32, int32 or bool tensors, got ${dtype}`);
}
