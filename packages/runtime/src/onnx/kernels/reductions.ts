import { sizeOf } from "../../ndarray.ts";
import { tf } from "../../tf.ts";
import type { TracingBackend, Value } from "../backend.ts";
import { onnxTypes } from "../graph.ts";
import {
  alias,
  cast,
  constant,
  counting,
  fill,
  fromStart,
  int32Of,
  numbers,
  reduce,
  refuseTruths,
  reshape,
  type Rules,
  toType,
  where,
} from "./rule.ts";

/** Kernels along axes: sums, extremes, orders, running sums and products. */
export const reductions: Rules = {
  Sum: (g, { x }, { axis, keepDims }) => sumOrProduct(g, "ReduceSum", x, axis, keepDims, 0),
  Mean: (g, { x }, { axis, keepDims }) => reduce(g, "ReduceMean", cast(g, x, "float32"), axis, keepDims),
  Prod: (g, { x }, { axis, keepDims }) => sumOrProduct(g, "ReduceProd", x, axis, keepDims, 1),
  Max: (g, { x }, { reductionIndices, keepDims }) => extreme(g, "ReduceMax", x, reductionIndices, keepDims),
  Min: (g, { x }, { axis, keepDims }) => extreme(g, "ReduceMin", x, axis, keepDims),
  Any: (g, { x }, { axis, keepDims }) => extreme(g, "ReduceMax", x, axis, keepDims),
  All: (g, { x }, { axis, keepDims }) => extreme(g, "ReduceMin", x, axis, keepDims),
  ArgMax: (g, { x }, { axis }) => arg(g, "ArgMax", x, axis),
  ArgMin: (g, { x }, { axis }) => arg(g, "ArgMin", x, axis),
  // Among equals the one that comes first, in both.
  TopK: (g, { x }, { k }) => {
    refuseTruths("TopK", x);
    const shape = [...x.shape.slice(0, -1), k];
    if (shape.includes(0)) return [fill(g, shape, 0, x.dtype), fill(g, shape, 0, "int32")];
    const [values, indices] = g.graph.node("TopK", [g.nameOf(x), g.ints([k])], { axis: -1, largest: 1, sorted: 1 }, 2);
    return [g.value(values!, shape, x.dtype), g.node("Cast", [indices!], shape, "int32", { to: onnxTypes.int32 })];
  },
  Cumsum: (g, { x }, { axis, exclusive, reverse }) => {
    const input = numbers(g, x);
    return g.node("CumSum", [input, constant(g, "int32", axis)], x.shape, input.dtype, {
      exclusive: exclusive ? 1 : 0,
      reverse: reverse ? 1 : 0,
    });
  },
  // Each step multiplies by what stands 1, 2, 4, … before (Hillis & Steele 1986).
  Cumprod: (g, { x }, { axis, exclusive, reverse }) => {
    let product = numbers(g, x);
    const at = fromStart(axis, x.shape.length);
    const before = (by: number) => {
      const amounts = [by, -by].flatMap((amount) =>
        x.shape.map((_, i) => (i === at ? (reverse ? -amount : amount) : 0)),
      );
      return g.node("Pad", [product, g.ints(amounts), constant(g, product.dtype, 1)], x.shape, product.dtype);
    };
    if (x.shape[at]! <= 1) return exclusive ? fill(g, x.shape, 1, product.dtype) : alias(g, product, x.shape);
    if (exclusive) product = before(1);
    for (let by = 1; by < x.shape[at]!; by *= 2) {
      product = g.node("Mul", [product, before(by)], x.shape, product.dtype);
    }
    return product;
  },
  Softmax: (g, { logits }, { dim }) => g.node("Softmax", [logits], logits.shape, "float32", { axis: dim }),
  // How many of the row's numbers come before each value.
  SearchSorted: (g, { sortedSequence, values }, { side }) => {
    const [rows, count, queries] = [values.shape[0]!, sortedSequence.shape[1]!, values.shape[1]!];
    const row = reshape(g, numbers(g, sortedSequence), [rows, 1, count]);
    const column = reshape(g, numbers(g, values), [rows, queries, 1]);
    const shape = [rows, queries, count];
    const before = g.node(side === "left" ? "Less" : "LessOrEqual", [row, column], shape, "bool");
    return reduce(g, "ReduceSum", cast(g, before, "int32"), 2);
  },
  Bincount: (g, { x, weights }, { size }) => count(g, x, weights, size as number),
  DenseBincount: (g, { x, weights }, { size, binaryOutput }) => count(g, x, weights, size as number, binaryOutput),
};

type Axes = number | readonly number[];

/** Integers are added up in 64 bits and cut to 32: those of 32 bits onnxruntime takes to the nearest int32 instead. */
function sumOrProduct(g: TracingBackend, name: string, x: Value, axis: Axes, keepDims: boolean, ofNothing: number) {
  const input = numbers(g, x);
  if (input.dtype === "float32" || input.shape.includes(0)) return reduce(g, name, input, axis, keepDims, ofNothing);
  const wide = { ...input, dataId: g.value(toType(g, g.nameOf(input), onnxTypes.int64), input.shape, "int32").dataId };
  const result = reduce(g, name, wide, axis, keepDims);
  return int32Of(g, g.nameOf(result), result.shape);
}

/** A largest or smallest element. onnxruntime's passes over NaN; the sum of squares does not, and costs no memory. */
function extreme(g: TracingBackend, name: string, x: Value, axis: Axes, keepDims: boolean): Value {
  const result = cast(g, reduce(g, name, numbers(g, x), axis, keepDims, NaN), x.dtype);
  if (x.dtype !== "float32" || x.shape.includes(0)) return result;
  const squares = reduce(g, "ReduceSumSquare", x, axis, keepDims);
  return where(g, g.node("IsNaN", [squares], squares.shape, "bool"), squares, result, x.dtype);
}

function arg(g: TracingBackend, name: string, x: Value, axis: number): Value {
  const [i] = tf.util.parseAxisParam(axis, x.shape) as [number];
  const shape = x.shape.toSpliced(i, 1);
  const [found] = g.graph.node(name, [g.nameOf(numbers(g, x))], { axis: i, keepdims: 0 });
  return g.node("Cast", [found!], shape, "int32", { to: onnxTypes.int32 });
}

/** The sum of the weights, or of ones, of each number below `size` along the last axis. */
function count(g: TracingBackend, x: Value, weights: Value, size: number, binary = false): Value {
  refuseTruths("Bincount", weights);
  const shape = [...x.shape, size];
  const column = (v: Value) => reshape(g, v, [...x.shape, 1]);
  const hit = g.node("Equal", [column(x), counting(g, size)], shape, "bool");
  const weight = binary || sizeOf(weights.shape) === 0 ? constant(g, weights.dtype, 1) : column(weights);
  const weighted = g.node("Where", [hit, weight, constant(g, weights.dtype, 0)], shape, weights.dtype);
  return reduce(g, binary ? "ReduceMax" : "ReduceSum", weighted, shape.length - 2);
}
