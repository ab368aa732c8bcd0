import { sizeOf } from "../../ndarray.ts";
import { tf } from "../../tf.ts";
import type { TracingBackend, Value } from "../backend.ts";
import { cast, constant, counting, expand, fill, fromStart, numbers, reshape, type Rules, transpose } from "./rule.ts";

/** Kernels that move elements, or make constants, and compute nothing. */
export const shapes: Rules = {
  Reshape: (g, { x }, { shape }) => reshape(g, x, tf.util.inferFromImplicitShape(shape, sizeOf(x.shape))),
  ExpandDims: (g, { input }, { dim }) =>
    reshape(g, input, input.shape.toSpliced(fromStart(dim, input.shape.length + 1), 0, 1)),
  Transpose: (g, { x }, { perm }) => transpose(g, x, perm),
  Slice: (g, { x }, { begin, size }) => {
    const [starts, sizes] = tf.slice_util.parseSliceParams(x as never, begin, size as number[]) as [number[], number[]];
    const ends = starts.map((start, axis) => start + sizes[axis]!);
    return g.node("Slice", [x, g.ints(starts), g.ints(ends)], sizes, x.dtype);
  },
  StridedSlice: (g, { x }, attrs) => {
    const { begin, strides, finalShapeSparse, finalShape } = tf.slice_util.sliceInfo(
      x.shape,
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    const ends = begin.map((start, axis) => beforeStart(start + finalShapeSparse[axis]! * strides[axis]!));
    const axes = begin.map((_, axis) => axis);
    const inputs = [x, g.ints(begin), g.ints(ends), g.ints(axes), g.ints(strides)];
    return reshape(g, g.node("Slice", inputs, finalShapeSparse, x.dtype), finalShape);
  },
  Reverse: (g, { x }, { dims }) => {
    const axes = tf.util.parseAxisParam(dims, x.shape);
    const each = (value: number) => g.ints(axes.map(() => value));
    return g.node("Slice", [x, each(-1), each(beforeStart(-1)), g.ints(axes), each(-1)], x.shape, x.dtype);
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
    const shape = padded(x.shape, paddings);
    const amounts = g.ints([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
    return g.node("Pad", [x, amounts, constant(g, x.dtype, constantValue)], shape, x.dtype);
  },
  // `symmetric` repeats the edge, which no mode of ONNX does.
  MirrorPad: (g, { x }, { paddings, mode }) => {
    let result = x;
    for (const [axis, [before, after]] of paddings.entries()) {
      if (before + after === 0) continue;
      const size = x.shape[axis]!;
      const edge = mode === "symmetric" ? 1 : 0;
      const mirrored = Array.from({ length: before + size + after }, (_, position) => {
        const i = position - before;
        if (i < 0) return -i - edge;
        return i < size ? i : 2 * (size - 1) - i + edge;
      });
      const shape = result.shape.with(axis, mirrored.length);
      result = g.node("Gather", [result, g.graph.constant("int32", mirrored)], shape, x.dtype, { axis });
    }
    return reshape(g, result, padded(x.shape, paddings));
  },
  Tile: (g, { x }, { reps }) => {
    const shape = x.shape.map((size, axis) => size * reps[axis]!);
    if (x.shape.every((size, axis) => size === 1 || reps[axis] === 1)) return expand(g, x, shape);
    return g.node("Tile", [x, g.ints(reps)], shape, x.dtype);
  },
  Select: (g, { condition, t, e }) => {
    const rank = t.shape.length;
    const aligned = [...condition.shape, ...Array<number>(rank - condition.shape.length).fill(1)];
    const dtype = tf.backend_util.upcastType(t.dtype, e.dtype) as Value["dtype"];
    const [yes, no] = [t, e].map((x) => numbers(g, cast(g, x, dtype)));
    const chosen = g.node("Where", [reshape(g, condition, aligned), yes!, no!], t.shape, yes!.dtype);
    return cast(g, chosen, dtype);
  },
  Diag: (g, { x }) => {
    const size = sizeOf(x.shape);
    const line = numbers(g, reshape(g, x, [1, size]));
    const row = g.node("Reshape", [counting(g, size), g.ints([size, 1])], [size, 1], "int32");
    const diagonal = g.node("Equal", [row, counting(g, size)], [size, size], "bool");
    const square = g.node("Where", [diagonal, line, constant(g, line.dtype, 0)], [size, size], line.dtype);
    return cast(g, reshape(g, square, [...x.shape, ...x.shape]), x.dtype);
  },

  Fill: (g, _, { shape, value, dtype }) => fill(g, shape, value, dtype ?? "float32"),
  ZerosLike: (g, { x }) => fill(g, x.shape, 0, x.dtype),
  OnesLike: (g, { x }) => fill(g, x.shape, 1, x.dtype),
  Range: (g, _, { start, stop, step, dtype }) => {
    const values = Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (__, i) => start + i * step);
    return g.value(g.graph.constant(dtype!, values), [values.length], dtype!);
  },
  LinSpace: (g, _, { start, stop, num }) => {
    const step = (stop - start) / Math.max(1, num - 1);
    const values = Array.from({ length: num }, (__, i) => start + i * step);
    return g.value(g.graph.constant("float32", values), [num], "float32");
  },
};

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

const padded = (shape: readonly number[], paddings: readonly (readonly [number, number])[]): number[] =>
  shape.map((size, axis) => size + paddings[axis]![0] + paddings[axis]![1]);

/** The end of a slice: in ONNX, −1 is the last element, and what lies before the first is further down. */
const beforeStart = (end: number): number => (end < 0 ? -(2 ** 31) : end);
