import { sizeOf } from "../../ndarray.ts";
import type { TracingBackend, Value } from "../backend.ts";
import { onnxTypes } from "../graph.ts";
import {
  cast,
  constant,
  counting,
  expand,
  fill,
  fromStart,
  numbers,
  reduce,
  refuseTruths,
  reshape,
  type Rules,
} from "./rule.ts";

/** Kernels that find elements, or put them, by indices. */
export const lookups: Rules = {
  GatherV2: (g, { x, indices }, { axis, batchDims = 0 }) => {
    const at = fromStart(axis, x.shape.length);
    const inner = x.shape.slice(at + 1);
    const shape = [...x.shape.slice(0, at), ...indices.shape.slice(batchDims), ...inner];
    if (batchDims === 0) return g.node("Gather", [x, indices], shape, x.dtype, { axis: at });
    // One table of all rows; each batch's indices start at its own.
    const [batch, outer] = [sizeOf(x.shape.slice(0, batchDims)), sizeOf(x.shape.slice(batchDims, at))];
    const [rows, each] = [x.shape[at]!, sizeOf(indices.shape.slice(batchDims))];
    const table = reshape(g, x, [batch * outer * rows, sizeOf(inner)]);
    const starts = Array.from({ length: batch * outer }, (_, i) => i * rows);
    const own = reshape(g, indices, [batch, 1, each]);
    const positions = g.node(
      "Add",
      [own, g.graph.constant("int32", starts, [batch, outer, 1])],
      [batch, outer, each],
      "int32",
    );
    const found = g.node("Gather", [table, positions], [batch, outer, each, sizeOf(inner)], x.dtype, { axis: 0 });
    return reshape(g, found, shape);
  },
  GatherNd: (g, { params, indices }) => {
    const depth = indices.shape.at(-1)!;
    const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
    const at = g.node("Cast", [indices], indices.shape, "int32", { to: onnxTypes.int64 });
    return g.node("GatherND", [params, at], shape, params.dtype);
  },
  OneHot: (g, { indices }, { depth, onValue, offValue, dtype = "float32" }) => {
    const shape = [...indices.shape, depth];
    const hit = g.node("Equal", [reshape(g, indices, [...indices.shape, 1]), counting(g, depth)], shape, "bool");
    const type = dtype === "bool" ? "int32" : dtype;
    const values = [onValue, offValue].map((value) => constant(g, type, value));
    return cast(g, g.node("Where", [hit, ...values], shape, type), dtype);
  },
  ScatterNd: (g, { indices, updates }, { shape }) => {
    refuseTruths("ScatterNd", updates);
    return scatter(g, fill(g, shape, 0, updates.dtype), indices, updates, "add");
  },
  TensorScatterUpdate: (g, { tensor, indices, updates }) => scatter(g, tensor, indices, updates),
  SparseToDense: (g, { sparseIndices, sparseValues, defaultValue }, { outputShape }) =>
    scatter(g, expand(g, cast(g, defaultValue, sparseValues.dtype), outputShape), sparseIndices, sparseValues),
  // Rows of no segment add nothing.
  UnsortedSegmentSum: (g, { x, segmentIds }, { numSegments }) => {
    const input = numbers(g, x);
    const column = [x.shape[0]!, ...Array<number>(x.shape.length - 1).fill(1)];
    const ids = reshape(g, segmentIds, column);
    const bound = (op: string, by: number) => g.node(op, [ids, constant(g, "int32", by)], column, "bool");
    const inside = g.node("And", [bound("GreaterOrEqual", 0), bound("Less", numSegments)], column, "bool");
    const rows = g.node("Where", [inside, input, constant(g, input.dtype, 0)], x.shape, input.dtype);
    const safe = g.node("Where", [inside, ids, constant(g, "int32", 0)], column, "int32");
    const shape = [numSegments, ...x.shape.slice(1)];
    return cast(g, scatterRows(g, fill(g, shape, 0, input.dtype), safe, rows, "add"), "float32");
  },
};

/** A copy of `base` with `updates` added, or put, at indices whose last axis counts along the first axes. */
function scatter(g: TracingBackend, base: Value, indices: Value, updates: Value, reduction?: "add"): Value {
  const depth = indices.shape.length > 1 ? indices.shape.at(-1)! : 1;
  const [places, slice] = [base.shape.slice(0, depth), base.shape.slice(depth)];
  const [count, width] = [sizeOf(indices.shape) / depth, sizeOf(slice)];
  const strides = places.map((_, axis) => sizeOf(places.slice(axis + 1)));
  const list = reshape(g, indices, [count, depth]);
  const weighted = g.node("Mul", [list, g.graph.constant("int32", strides)], [count, depth], "int32");
  const rows = updates.shape.length === 0 ? expand(g, updates, [count, width]) : reshape(g, updates, [count, width]);
  const table = reshape(g, base, [sizeOf(places), width]);
  return reshape(g, scatterRows(g, table, reduce(g, "ReduceSum", weighted, 1, true), rows, reduction), base.shape);
}

/** ScatterElements does one element after the other, in order: the same sum on every run, the last of equal places. */
function scatterRows(g: TracingBackend, base: Value, at: Value, rows: Value, reduction?: "add"): Value {
  return g.node("ScatterElements", [base, expand(g, at, rows.shape), rows], base.shape, base.dtype, {
    axis: 0,
    ...(reduction && { reduction: { text: reduction } }),
  });
}
