import type { DType } from "../../ndarray.ts";
import { tf } from "../../tf.ts";
import type { TracingBackend, Value } from "../backend.ts";
import { onnxTypes } from "../graph.ts";

/** How a TensorFlow.js kernel reads in ONNX. */
export type Rule = (g: TracingBackend, inputs: Inputs, attrs: Attrs) => Value | Value[];

export type Rules = Readonly<Record<string, Rule>>;

/** The kernels' inputs and attributes under their names in TensorFlow.js; each kernel has its own few. */
export type Inputs = Record<
  | "a"
  | "alpha"
  | "b"
  | "condition"
  | "defaultValue"
  | "dy"
  | "e"
  | "indices"
  | "input"
  | "logits"
  | "mean"
  | "params"
  | "segmentIds"
  | "sortedSequence"
  | "sparseIndices"
  | "sparseValues"
  | "t"
  | "tensor"
  | "updates"
  | "value"
  | "values"
  | "variance"
  | "weights"
  | "x"
  | "y",
  Value
> &
  Partial<Record<"bias" | "offset" | "preluActivationWeights" | "scale", Value>>;

export interface Attrs {
  readonly activation: string | undefined;
  readonly alpha: number | undefined;
  readonly axis: number;
  readonly batchDims: number | undefined;
  readonly begin: number[];
  readonly beginMask: number;
  readonly binaryOutput: boolean | undefined;
  readonly clipValueMax: number;
  readonly clipValueMin: number;
  readonly constantValue: number;
  readonly depth: number;
  readonly dim: number;
  readonly dims: number | number[];
  readonly dtype: DType | undefined;
  readonly ellipsisMask: number;
  readonly end: number[];
  readonly endMask: number;
  readonly equation: string;
  readonly exclusive: boolean;
  readonly k: number;
  readonly keepDims: boolean;
  readonly leakyreluAlpha: number | undefined;
  readonly mode: "reflect" | "symmetric";
  readonly newAxisMask: number;
  readonly num: number;
  readonly numOrSizeSplits: number | number[];
  readonly numSegments: number;
  readonly offValue: number;
  readonly onValue: number;
  readonly outputShape: number[];
  readonly paddings: readonly (readonly [number, number])[];
  readonly perm: readonly number[];
  readonly reductionIndices: number;
  readonly reps: readonly number[];
  readonly reverse: boolean;
  readonly shape: number[];
  readonly shrinkAxisMask: number;
  readonly side: "left" | "right";
  readonly size: number | number[];
  readonly start: number;
  readonly step: number;
  readonly stop: number;
  readonly strides: number[];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly value: number;
  readonly varianceEpsilon: number;
}

export const broadcast = (a: Value, b: Value): number[] => tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);

/** An axis counted from the first; negative ones count from the last. */
export const fromStart = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** A scalar constant. */
export const constant = (g: TracingBackend, dtype: DType, value: number): string =>
  g.graph.constant(dtype, [value], []);

export const float = (g: TracingBackend, value: number): string => constant(g, "float32", value);

/** The integers 0, 1, …, size − 1 as a constant. */
export const counting = (g: TracingBackend, size: number): string =>
  g.graph.constant(
    "int32",
    Array.from({ length: size }, (_, i) => i),
  );

/** The same value under another tensor: no node. */
export const alias = (g: TracingBackend, x: Value, shape: readonly number[]): Value =>
  g.value(g.nameOf(x), shape, x.dtype);

export function reshape(g: TracingBackend, x: Value, shape: readonly number[]): Value {
  if (same(x.shape, shape)) return alias(g, x, shape);
  return g.node("Reshape", [x, g.ints(shape)], shape, x.dtype);
}

export function transpose(g: TracingBackend, x: Value, perm: readonly number[]): Value {
  if (perm.every((axis, position) => axis === position)) return alias(g, x, x.shape);
  const shape = perm.map((axis) => x.shape[axis]!);
  return g.node("Transpose", [x], shape, x.dtype, { perm });
}

export function expand(g: TracingBackend, x: Value, shape: readonly number[]): Value {
  if (same(x.shape, shape)) return alias(g, x, shape);
  return g.node("Expand", [x, g.ints(shape)], shape, x.dtype);
}

export function fill(g: TracingBackend, shape: readonly number[], value: number, dtype: DType): Value {
  return expand(g, g.value(constant(g, dtype, value), [], dtype), shape);
}

/** A tensor's elements as another type; numbers become int32 as in JavaScript. */
export function cast(g: TracingBackend, x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return alias(g, x, x.shape);
  if (x.dtype === "float32" && dtype === "int32") return toInt32(g, g.nameOf(x), onnxTypes.float32, x.shape);
  return g.node("Cast", [x], x.shape, dtype, { to: onnxTypes[dtype] });
}

/** Truths as int32, for kernels that know numbers alone. */
export const numbers = (g: TracingBackend, x: Value): Value => (x.dtype === "bool" ? cast(g, x, "int32") : x);

/** ONNX' number for 64-bit floats, which no tensor of ours is, but integers are computed in them as in JavaScript. */
export const DOUBLE = 11;

/** Floats of an ONNX type as int32, as JavaScript converts them: cut off, modulo 2³², and 0 where they are not finite. */
export function toInt32(g: TracingBackend, x: string, type: number, shape: readonly number[]): Value {
  const scalar = (value: number) => toType(g, float(g, value), type);
  const finite = op(g, "Less", op(g, "Abs", x), scalar(2 ** 62));
  const integer = toType(g, op(g, "Where", finite, x, scalar(0)), onnxTypes.int64);
  // Modulo 2³² first: onnxruntime makes one cast of two, and that takes what is too large to the nearest int32.
  return int32Of(g, integer, shape);
}

/** A value of int64 modulo 2³². */
export function int32Of(g: TracingBackend, x: string, shape: readonly number[]): Value {
  const rest = op(g, "Mod", x, g.graph.constant("int64", [2 ** 32], []));
  return g.node("Cast", [rest], shape, "int32", { to: onnxTypes.int32 });
}

export const toType = (g: TracingBackend, x: string, type: number): string =>
  g.graph.node("Cast", [x], { to: type })[0]!;

/** A node with one output, of values that are no tensors of TensorFlow.js. */
export const op = (g: TracingBackend, name: string, ...inputs: string[]): string => g.graph.node(name, inputs)[0]!;

/** `where` one, else the other: scalars or tensors of the condition's shape. */
export function where(
  g: TracingBackend,
  condition: Value,
  yes: Value | string,
  no: Value | string,
  dtype: DType,
): Value {
  return g.node("Where", [condition, yes, no], condition.shape, dtype);
}

/** Comparison of a float32 tensor with a number. */
export const compare = (
  g: TracingBackend,
  x: Value,
  name: "Less" | "Greater" | "GreaterOrEqual" | "Equal",
  to: number,
) => g.node(name, [x, constant(g, x.dtype, to)], x.shape, "bool");

export const not = (g: TracingBackend, x: Value): Value => g.node("Not", [x], x.shape, "bool");

/** @throws TypeError for truths, which TensorFlow.js lets by and then computes with as bytes */
export function refuseTruths(kernel: string, ...operands: readonly Value[]): void {
  if (operands.some(({ dtype }) => dtype === "bool")) {
    throw new TypeError(`jit: ${kernel}: expected numbers, got bool; cast it to int32 or float32 first`);
  }
}

/** A reduction; `ofNothing` is its value where there is nothing to reduce. */
export function reduce(
  g: TracingBackend,
  name: string,
  x: Value,
  axis: number | readonly number[],
  keepDims = false,
  ofNothing = 0,
): Value {
  const axes = tf.util.parseAxisParam(axis as number | number[], x.shape);
  const kept = x.shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const shape = keepDims ? kept : x.shape.filter((_, i) => !axes.includes(i));
  if (x.shape.includes(0)) return fill(g, shape, ofNothing, x.dtype);
  if (axes.every((i) => x.shape[i] === 1)) return reshape(g, x, shape);
  return g.node(name, [x, g.ints(axes)], shape, x.dtype, { keepdims: keepDims ? 1 : 0 });
}

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);
