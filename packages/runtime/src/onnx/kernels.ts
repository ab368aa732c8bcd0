import { type DType, sizeOf } from "../ndarray.ts";
import { tf } from "../tf.ts";
import { BACKEND, type TracingBackend, type Value } from "./backend.ts";
import { type Attributes, onnxTypes } from "./graph.ts";

/** How each TensorFlow.js kernel reads in ONNX. What is not here cannot be compiled, and says so by name. */
type Rule = (g: TracingBackend, inputs: Inputs, attrs: Attrs) => Value | Value[];

/** The kernels' inputs and attributes under their names in TensorFlow.js; each kernel has its own few. */
type Inputs = Record<
  | "a"
  | "alpha"
  | "b"
  | "condition"
  | "dy"
  | "e"
  | "indices"
  | "input"
  | "logits"
  | "params"
  | "segmentIds"
  | "t"
  | "value"
  | "x"
  | "y",
  Value
>;

interface Attrs {
  readonly alpha: number | undefined;
  readonly axis: number;
  readonly batchDims: number | undefined;
  readonly begin: number[];
  readonly clipValueMax: number;
  readonly clipValueMin: number;
  readonly constantValue: number;
  readonly depth: number;
  readonly dim: number;
  readonly dims: number | number[];
  readonly dtype: DType | undefined;
  readonly exclusive: boolean;
  readonly k: number;
  readonly keepDims: boolean;
  readonly numOrSizeSplits: number | number[];
  readonly numSegments: number;
  readonly offValue: number;
  readonly onValue: number;
  readonly paddings: readonly (readonly [number, number])[];
  readonly perm: readonly number[];
  readonly reductionIndices: number;
  readonly reps: readonly number[];
  readonly reverse: boolean;
  readonly shape: number[];
  readonly size: number[];
  readonly start: number;
  readonly step: number;
  readonly stop: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly value: number;
}

const rules: Record<string, Rule> = {
  // elementwise, two operands
  Add: binary("Add"),
  AddV2: binary("Add"),
  AddN: (g, inputs) => {
    const terms = Object.values(inputs) as [Value];
    return g.node("Sum", terms, terms[0].shape, terms[0].dtype);
  },
  Sub: binary("Sub"),
  Multiply: binary("Mul"),
  RealDiv: binary("Div"),
  Maximum: binary("Max"),
  Minimum: binary("Min"),
  Pow: binary("Pow"),
  // The remainder has the divisor's sign.
  Mod: (g, { a, b }) => {
    const shape = broadcast(a, b);
    if (a.dtype !== "float32") return g.node("Mod", [a, b], shape, a.dtype, { fmod: 0 });
    const remainder = (x: Value) => g.node("Mod", [x, b], shape, a.dtype, { fmod: 1 });
    const negative = (x: Value) => g.node("Less", [x, float(g, 0)], x.shape, "bool");
    const rest = remainder(a);
    const agree = g.node("Equal", [negative(a), negative(b)], shape, "bool");
    return g.node("Where", [agree, rest, remainder(g.node("Add", [rest, b], shape, a.dtype))], shape, a.dtype);
  },
  FloorDiv: (g, { a, b }) => {
    const shape = broadcast(a, b);
    const quotient = g.node("Div", [cast(g, a, "float32"), cast(g, b, "float32")], shape, "float32");
    return cast(g, g.node("Floor", [quotient], shape, "float32"), "int32");
  },
  SquaredDifference: (g, { a, b }) => {
    const difference = g.node("Sub", [a, b], broadcast(a, b), a.dtype);
    return g.node("Mul", [difference, difference], difference.shape, difference.dtype);
  },
  Prelu: (g, { x, alpha }) => g.node("PRelu", [x, alpha], x.shape, x.dtype),

  // comparisons and logic
  Greater: binary("Greater", "bool"),
  GreaterEqual: binary("GreaterOrEqual", "bool"),
  Less: binary("Less", "bool"),
  LessEqual: binary("LessOrEqual", "bool"),
  Equal: binary("Equal", "bool"),
  NotEqual: (g, { a, b }) => not(g, g.node("Equal", [a, b], broadcast(a, b), "bool")),
  LogicalAnd: binary("And", "bool"),
  LogicalOr: binary("Or", "bool"),
  LogicalNot: (g, { x }) => not(g, x),
  Select: (g, { condition, t, e }) => {
    const rank = t.shape.length;
    const aligned =
      condition.shape.length === rank
        ? condition
        : reshape(g, condition, [...condition.shape, ...Array<number>(rank - condition.shape.length).fill(1)]);
    return g.node("Where", [aligned, t, e], t.shape, t.dtype);
  },

  // elementwise, one operand
  ...Object.fromEntries(
    ["Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Elu", "Erf", "Exp", "Floor"]
      .concat("Log", "Neg", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus")
      .concat("Sqrt", "Tan", "Tanh")
      .map((op) => [op, unary(op)]),
  ),
  // dy where y ≥ 0, else dy·(y + 1): y + 1 is the exponential there.
  EluGrad: (g, { dy, y }) => {
    const below = g.node("Mul", [dy, g.node("Add", [y, float(g, 1)], y.shape, y.dtype)], y.shape, y.dtype);
    return g.node("Where", [g.node("GreaterOrEqual", [y, float(g, 0)], y.shape, "bool"), dy, below], y.shape, y.dtype);
  },
  LeakyRelu: (g, { x }, { alpha }) => {
    const below = g.node("Mul", [x, float(g, alpha ?? 0.2)], x.shape, x.dtype);
    return g.node("Where", [g.node("GreaterOrEqual", [x, float(g, 0)], x.shape, "bool"), x, below], x.shape, x.dtype);
  },
  Relu6: (g, { x }) => g.node("Clip", [x, float(g, 0), float(g, 6)], x.shape, x.dtype),
  IsInf: (g, { x }) => g.node("IsInf", [x], x.shape, "bool"),
  IsFinite: (g, { x }) => {
    const [infinite, nan] = [g.node("IsInf", [x], x.shape, "bool"), g.node("IsNaN", [x], x.shape, "bool")];
    return not(g, g.node("Or", [infinite, nan], x.shape, "bool"));
  },
  IsNan: (g, { x }) => g.node("IsNaN", [x], x.shape, "bool"),
  Square: (g, { x }) => g.node("Mul", [x, x], x.shape, x.dtype),
  Rsqrt: (g, { x }) => g.node("Reciprocal", [g.node("Sqrt", [x], x.shape, x.dtype)], x.shape, x.dtype),
  Expm1: (g, { x }) => g.node("Sub", [g.node("Exp", [x], x.shape, x.dtype), float(g, 1)], x.shape, x.dtype),
  Log1p: (g, { x }) => g.node("Log", [g.node("Add", [x, float(g, 1)], x.shape, x.dtype)], x.shape, x.dtype),
  Step: (g, { x }, { alpha }) => {
    const positive = g.node("Greater", [x, float(g, 0)], x.shape, "bool");
    return g.node("Where", [positive, float(g, 1), float(g, alpha ?? 0)], x.shape, x.dtype);
  },
  ClipByValue: (g, { x }, { clipValueMin, clipValueMax }) =>
    g.node(
      "Clip",
      [x, g.graph.constant(x.dtype, [clipValueMin], []), g.graph.constant(x.dtype, [clipValueMax], [])],
      x.shape,
      x.dtype,
    ),
  Cast: (g, { x }, { dtype }) => cast(g, x, dtype!),
  Identity: (g, { x }) => alias(g, x, x.shape),
  StopGradient: (g, { x }) => alias(g, x, x.shape),

  // reductions
  Sum: (g, { x }, { axis, keepDims }) =>
    reduce(g, "ReduceSum", x.dtype === "bool" ? cast(g, x, "int32") : x, axis, keepDims),
  Mean: (g, { x }, { axis, keepDims }) => reduce(g, "ReduceMean", cast(g, x, "float32"), axis, keepDims),
  Prod: (g, { x }, { axis, keepDims }) => reduce(g, "ReduceProd", x, axis, keepDims),
  Max: (g, { x }, { reductionIndices, keepDims }) => reduce(g, "ReduceMax", x, reductionIndices, keepDims),
  Min: (g, { x }, { axis, keepDims }) => reduce(g, "ReduceMin", x, axis, keepDims),
  Any: (g, { x }, { axis, keepDims }) => cast(g, reduce(g, "ReduceMax", cast(g, x, "int32"), axis, keepDims), "bool"),
  All: (g, { x }, { axis, keepDims }) => cast(g, reduce(g, "ReduceMin", cast(g, x, "int32"), axis, keepDims), "bool"),
  ArgMax: (g, { x }, { axis }) => arg(g, "ArgMax", x, axis),
  ArgMin: (g, { x }, { axis }) => arg(g, "ArgMin", x, axis),
  // Among equals the one that comes first, in both.
  TopK: (g, { x }, { k }) => {
    const shape = [...x.shape.slice(0, -1), k];
    const [values, indices] = g.graph.node("TopK", [g.nameOf(x), g.ints([k])], { axis: -1, largest: 1, sorted: 1 }, 2);
    return [g.value(values!, shape, x.dtype), g.node("Cast", [indices!], shape, "int32", { to: onnxTypes.int32 })];
  },
  Cumsum: (g, { x }, { axis, exclusive, reverse }) =>
    g.node("CumSum", [x, g.graph.constant("int32", [axis], [])], x.shape, x.dtype, {
      exclusive: exclusive ? 1 : 0,
      reverse: reverse ? 1 : 0,
    }),
  Softmax: (g, { logits }, { dim }) => g.node("Softmax", [logits], logits.shape, "float32", { axis: dim }),
  LogSoftmax: (g, { logits }, { axis }) => g.node("LogSoftmax", [logits], logits.shape, "float32", { axis }),

  // shapes
  Reshape: (g, { x }, { shape }) => reshape(g, x, tf.util.inferFromImplicitShape(shape, sizeOf(x.shape))),
  ExpandDims: (g, { input }, { dim }) => {
    const axis = dim < 0 ? input.shape.length + 1 + dim : dim;
    return reshape(g, input, input.shape.toSpliced(axis, 0, 1));
  },
  Transpose: (g, { x }, { perm }) => transpose(g, x, perm),
  Slice: (g, { x }, { begin, size }) => {
    const [starts, sizes] = tf.slice_util.parseSliceParams(x as never, begin, size) as [number[], number[]];
    const ends = starts.map((start, axis) => start + sizes[axis]!);
    return g.node("Slice", [x, g.ints(starts), g.ints(ends)], sizes, x.dtype);
  },
  Reverse: (g, { x }, { dims }) => {
    const axes = tf.util.parseAxisParam(dims, x.shape);
    const each = (value: number) => g.ints(axes.map(() => value));
    return g.node("Slice", [x, each(-1), each(-(2 ** 31)), g.ints(axes), each(-1)], x.shape, x.dtype);
  },
  Concat: (g, inputs, { axis }) => concat(g, Object.values(inputs), axis),
  Pack: (g, inputs, { axis }) => {
    const items = Object.values(inputs) as [Value, ...Value[]];
    const at = fromStart(axis, items[0].shape.length + 1);
    return concat(
      g,
      items.map((x) => reshape(g, x, x.shape.toSpliced(at, 0, 1))),
      at,
    );
  },
  Unpack: (g, { value }, { axis }) => {
    const at = fromStart(axis, value.shape.length);
    const parts = split(g, value, at, Array<number>(value.shape[at]!).fill(1));
    return parts.map((part) => reshape(g, part, part.shape.toSpliced(at, 1)));
  },
  SplitV: (g, { x }, { numOrSizeSplits, axis }) =>
    split(g, x, axis, tf.backend_util.prepareSplitSize(x as never, numOrSizeSplits, fromStart(axis, x.shape.length))),
  PadV2: (g, { x }, { paddings, constantValue }) => {
    const shape = x.shape.map((size, axis) => size + paddings[axis]![0] + paddings[axis]![1]);
    const amounts = g.ints([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
    return g.node("Pad", [x, amounts, g.graph.constant(x.dtype, [constantValue], [])], shape, x.dtype);
  },
  Tile: (g, { x }, { reps }) => {
    const shape = x.shape.map((size, axis) => size * reps[axis]!);
    const expands = x.shape.every((size, axis) => size === 1 || reps[axis] === 1);
    return g.node(expands ? "Expand" : "Tile", [x, g.ints(expands ? shape : reps)], shape, x.dtype);
  },
  BroadcastTo: (g, { x }, { shape }) => g.node("Expand", [x, g.ints(shape)], shape, x.dtype),

  // constants
  Fill: (g, _, { shape, value, dtype }) => fill(g, shape, value, dtype ?? "float32"),
  ZerosLike: (g, { x }) => fill(g, x.shape, 0, x.dtype),
  OnesLike: (g, { x }) => fill(g, x.shape, 1, x.dtype),
  Range: (g, _, { start, stop, step, dtype }) => {
    const values = Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (__, i) => start + i * step);
    return g.value(g.graph.constant(dtype!, values), [values.length], dtype!);
  },
  OneHot: (g, { indices }, { depth, onValue, offValue, dtype }) => {
    const shape = [...indices.shape, depth];
    const classes = g.graph.constant(
      "int32",
      Array.from({ length: depth }, (_, i) => i),
    );
    const hit = g.node("Equal", [reshape(g, indices, [...indices.shape, 1]), classes], shape, "bool");
    const type = dtype ?? "float32";
    const value = (v: number) => g.graph.constant(type, [v], []);
    return g.node("Where", [hit, value(onValue), value(offValue)], shape, type);
  },

  // matrices and lookups
  BatchMatMul: (g, { a, b }, { transposeA, transposeB }) => matMul(g, a, b, transposeA, transposeB),
  GatherV2: (g, { x, indices }, { axis, batchDims }) => {
    if ((batchDims ?? 0) !== 0) throw new Error(`jit: GatherV2 with ${batchDims} batch dimensions has no rule`);
    const at = fromStart(axis, x.shape.length);
    const shape = [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)];
    return g.node("Gather", [x, indices], shape, x.dtype, { axis: at });
  },
  GatherNd: (g, { params, indices }) => {
    const depth = indices.shape.at(-1)!;
    const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
    const at = g.node("Cast", [indices], indices.shape, "int32", { to: onnxTypes.int64 });
    return g.node("GatherND", [params, at], shape, params.dtype);
  },
  // ScatterElements adds one element after the other, in order: the same sum on every run.
  UnsortedSegmentSum: (g, { x, segmentIds }, { numSegments }) => {
    const rows = [numSegments, ...x.shape.slice(1)];
    const ids = reshape(g, segmentIds, [x.shape[0]!, ...Array<number>(x.shape.length - 1).fill(1)]);
    const indices = g.node("Expand", [ids, g.ints(x.shape)], x.shape, "int32");
    return g.node("ScatterElements", [fill(g, rows, 0, x.dtype), indices, x], rows, x.dtype, {
      axis: 0,
      reduction: { text: "add" },
    });
  },
};

for (const [kernelName, rule] of Object.entries(rules)) {
  tf.registerKernel({
    kernelName,
    backendName: BACKEND,
    kernelFunc: ({ inputs, backend, attrs }) =>
      rule(backend as TracingBackend, inputs as unknown as Inputs, attrs as unknown as Attrs),
  });
}

function binary(op: string, dtype?: string): Rule {
  return (g, { a, b }) => g.node(op, [a, b], broadcast(a, b), dtype ?? a.dtype);
}

function unary(op: string): Rule {
  return (g, { x }) => g.node(op, [x], x.shape, x.dtype);
}

const broadcast = (a: Value, b: Value): number[] => tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);

/** An axis counted from the first; negative ones count from the last. */
const fromStart = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const not = (g: TracingBackend, x: Value): Value => g.node("Not", [x], x.shape, "bool");

const float = (g: TracingBackend, value: number): string => g.graph.constant("float32", [value], []);

/** The same value under another tensor: no node. */
const alias = (g: TracingBackend, x: Value, shape: readonly number[]): Value => g.value(g.nameOf(x), shape, x.dtype);

function cast(g: TracingBackend, x: Value, dtype: string): Value {
  if (x.dtype === dtype) return alias(g, x, x.shape);
  return g.node("Cast", [x], x.shape, dtype, { to: onnxTypes[dtype as keyof typeof onnxTypes] });
}

function reshape(g: TracingBackend, x: Value, shape: readonly number[]): Value {
  if (same(x.shape, shape)) return alias(g, x, shape);
  return g.node("Reshape", [x, g.ints(shape)], shape, x.dtype);
}

function transpose(g: TracingBackend, x: Value, perm: readonly number[]): Value {
  if (perm.every((axis, position) => axis === position)) return alias(g, x, x.shape);
  const shape = perm.map((axis) => x.shape[axis]!);
  return g.node("Transpose", [x], shape, x.dtype, { perm });
}

function reduce(g: TracingBackend, op: string, x: Value, axis: number | number[], keepDims = false): Value {
  const axes = tf.util.parseAxisParam(axis, x.shape);
  const kept = x.shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const shape = keepDims ? kept : x.shape.filter((_, i) => !axes.includes(i));
  if (axes.every((i) => x.shape[i] === 1)) return reshape(g, x, shape);
  return g.node(op, [x, g.ints(axes)], shape, x.dtype, { keepdims: keepDims ? 1 : 0 });
}

function arg(g: TracingBackend, op: string, x: Value, axis: number): Value {
  const [i] = tf.util.parseAxisParam(axis, x.shape) as [number];
  const shape = x.shape.toSpliced(i, 1);
  const [found] = g.graph.node(op, [g.nameOf(x)], { axis: i, keepdims: 0 });
  return g.node("Cast", [found!], shape, "int32", { to: onnxTypes.int32 });
}

function concat(g: TracingBackend, inputs: readonly Value[], axis: number): Value {
  const [first] = inputs as [Value];
  const i = fromStart(axis, first.shape.length);
  const shape = first.shape.with(
    i,
    inputs.reduce((size, x) => size + x.shape[i]!, 0),
  );
  return g.node("Concat", inputs, shape, first.dtype, { axis: i });
}

function split(g: TracingBackend, x: Value, axis: number, sizes: readonly number[]): Value[] {
  const i = fromStart(axis, x.shape.length);
  const names = g.graph.node("Split", [g.nameOf(x), g.ints(sizes)], { axis: i }, sizes.length);
  return names.map((name, part) => g.value(name, x.shape.with(i, sizes[part]!), x.dtype));
}

function fill(g: TracingBackend, shape: readonly number[], value: number, dtype: string): Value {
  const constant = g.graph.constant(dtype as Value["dtype"], [value], []);
  if (shape.length === 0) return g.value(constant, shape, dtype);
  return g.node("Expand", [constant, g.ints(shape)], shape, dtype);
}

/**
 * 2-D products become Gemm, whose transpositions are free; batches FusedMatMul. A batch of one is a 2-D product, and a
 * batch against one plain right-hand matrix is one tall product.
 */
function matMul(g: TracingBackend, a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value {
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, rows, columns];
  const transposes: Attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
  if (sizeOf(batch) === 1) {
    const flat = (x: Value) => reshape(g, x, x.shape.slice(-2));
    return reshape(g, g.node("Gemm", [flat(a), flat(b)], [rows, columns], "float32", transposes), shape);
  }
  if (sizeOf(b.shape.slice(0, -2)) === 1 && !transposeA) {
    const tall = reshape(g, a, [sizeOf(batch) * rows, a.shape.at(-1)!]);
    const right = reshape(g, b, b.shape.slice(-2));
    return reshape(g, g.node("Gemm", [tall, right], [tall.shape[0]!, columns], "float32", transposes), shape);
  }
  return g.node("com.microsoft:FusedMatMul", [a, b], shape, "float32", transposes);
}

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);
