import { type NDArray, tf } from "../../src/index.ts";
import { bools, floats, int32, ints, type Op, positive, type Row, several, signed } from "./row.ts";

const matrix = [2, 3];

/** Ops that move elements of a matrix (2, 3), whatever their type. */
const moving: Record<string, (x: tf.Tensor) => tf.Tensor | tf.Tensor[]> = {
  reshape: (x) => tf.reshape(x, [3, -1]),
  "expandDims and squeeze": (x) => tf.squeeze(tf.expandDims(tf.expandDims(x, 1), -1)),
  transpose: (x) => tf.transpose(x),
  slice: (x) => tf.slice(x, [0, 1], [-1, 2]),
  "slice of nothing": (x) => tf.slice(x, [1, 0], [0, 3]),
  stridedSlice: (x) => tf.stridedSlice(x, [0, 2], [2, 0], [1, -1]),
  "stridedSlice with a new axis": (x) => tf.stridedSlice(x, [0, 0, 0], [2, 1, 3], [1, 1, 2], 0, 0, 0, 2),
  reverse: (x) => tf.reverse(x, -1),
  "reverse of all axes": (x) => tf.reverse(x),
  concat: (x) => tf.concat([x, x, x], -1),
  "concat with nothing": (x) => tf.concat([x, tf.slice(x, [0, 0], [0, 3])]),
  stack: (x) => tf.stack([x, x], 1),
  "stack along a new last axis": (x) => tf.stack([x, x], -1),
  unstack: (x) => tf.unstack(x, 0),
  "unstack along the last axis": (x) => tf.unstack(x, -1),
  split: (x) => tf.split(x, [1, -1], 1),
  "split evenly along the last axis": (x) => tf.split(x, 3, -1),
  "pad": (x) => tf.pad(x, [[1, 0], [0, 2]], 1), // oxfmt-ignore
  "mirrorPad, reflect": (x) => tf.mirrorPad(x, [[1, 1], [2, 0]], "reflect"), // oxfmt-ignore
  "mirrorPad, symmetric": (x) => tf.mirrorPad(x, [[2, 1], [0, 3]], "symmetric"), // oxfmt-ignore
  tile: (x) => tf.tile(x, [2, 3]),
  "tile of nothing": (x) => tf.tile(x, [0, 1]),
  broadcastTo: (x) => tf.broadcastTo(x, [2, 2, 3]),
  diag: (x) => tf.diag(tf.reshape(x, [6])),
  "zerosLike and onesLike": (x) => [tf.zerosLike(x), tf.onesLike(x)],
  where: (x) => tf.where(tf.tensor2d([1, 0, 0, 1, 1, 0], [2, 3], "bool"), x, tf.zerosLike(x)),
  gather: (x) => tf.gather(x, int32([1, 0, 1, 1]) as tf.Tensor1D),
  "gather along the last axis": (x) => tf.gather(x, int32([2, 0, 2, 1], [2, 2]) as tf.Tensor1D, -1),
  "gather of nothing": (x) => tf.gather(x, int32([]) as tf.Tensor1D),
  "gather in batches": (x) => tf.gather(x, int32([1, 0, 2, 2], [2, 2]) as tf.Tensor1D, 1, 1),
  gatherND: (x) => tf.gatherND(x, int32([1, 0, 1, 0, 0, 2], [3, 2])),
  "gatherND of rows": (x) => tf.gatherND(x, int32([1, 0, 1], [3, 1])),
};

const smooth = (name: string): boolean => !/^(zerosLike|unstack|split)/.test(name) && !name.includes("nothing");

const moved: Row[] = Object.entries(moving).flatMap(([name, op]): Row[] => [
  [name, op, [floats(matrix)], smooth(name) ? "gradient" : undefined],
  [`${name}, int32`, op, [signed(matrix)]],
  [`${name}, bool`, op, [bools(matrix)]],
]);

const batches = (indices: NDArray, axis: number, batchDims: number): Op =>
  ((x: tf.Tensor) =>
    tf.gather(
      x,
      tf.tensor([...indices.data], [...indices.shape] as [number], "int32") as tf.Tensor1D,
      axis,
      batchDims,
    )) as Op;

const others: Row[] = [
  ["part of an unstack", (x: tf.Tensor) => tf.unstack(x, 1)[1]!, [floats([2, 3, 2])], "gradient"],
  ["part of a split", (x: tf.Tensor) => tf.split(x, [1, 2], -1)[1]!, [floats([2, 2, 3])], "gradient"],
  [
    "concat of unlike",
    (a: tf.Tensor, b: tf.Tensor) => tf.concat([a, b], 1),
    several(floats, [
      [2, 3],
      [2, 1],
    ]),
    "gradient",
  ],
  ["transpose of rank 3", (x: tf.Tensor) => tf.transpose(x, [2, 0, 1]), [floats([2, 3, 4])], "gradient"],
  ["transpose of rank 4", (x: tf.Tensor) => tf.transpose(x, [0, 2, 1, 3]), [floats([2, 3, 2, 2])], "gradient"],
  ["slice of rank 3", (x: tf.Tensor) => tf.slice(x, [0, 1, 1], [2, 1, -1]), [floats([2, 3, 4])], "gradient"],
  ["reverse of rank 3", (x: tf.Tensor) => tf.reverse(x, [0, -1]), [floats([2, 3, 2])], "gradient"],
  ["tile of rank 3", (x: tf.Tensor) => tf.tile(x, [2, 1, 3]), [floats([1, 2, 2])], "gradient"],
  ["reshape of a scalar", (x: tf.Tensor) => tf.reshape(x, [1, 1]), [floats([])], "gradient"],
  [
    "where of two",
    (a: tf.Tensor, b: tf.Tensor) => tf.where(tf.greater(a, 0), a, b),
    [floats([2, 3]), positive([2, 3])],
    "gradient",
  ],
  [
    "where, broadcast",
    (c: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.where(c, a, b),
    [bools([2, 1]), floats([3]), floats([])],
    "gradient",
  ],
  ["gather in batches, beside an axis", batches(ints([2, 2]), 2, 1), [floats([2, 3, 4])], "gradient"],
  ["gather in two batches", batches(ints([2, 3, 2]), 2, 2), [floats([2, 3, 4])], "gradient"],
  [
    "gather of given rows",
    (x: tf.Tensor, at: tf.Tensor1D) => tf.gather(x, at),
    [floats([4, 3]), ints([2, 3])],
    "gradient",
  ],
  [
    "fill, zeros, ones, range",
    (x: tf.Tensor) => tf.addN([x, tf.fill([2], 3), tf.zeros([2]), tf.ones([2]), tf.range(0, 2)]),
    [floats([2])],
  ],
  [
    "range downwards, eye and linspace",
    ((x: tf.Tensor) => [x, tf.range(5, 0, -2, "int32"), tf.eye(3), tf.linspace(0, 1, 7)]) as Op,
    [floats([2])],
  ],
  ...[floats([3]), signed([3]), bools([3])].map(({ dtype }): Row => [
    `oneHot as ${dtype}`,
    (at: tf.Tensor) => tf.oneHot(at, 3, 1, 0, dtype),
    [signed([2, 3])],
  ]),
  ["oneHot with values", (at: tf.Tensor) => tf.oneHot(at, 5, 2, -1), [ints([4])]],
  ["scatterND", (x: tf.Tensor) => tf.scatterND(int32([1, 1], [2, 1]), x, [3, 3]), [floats([2, 3])], "gradient"],
  [
    "scatterND of elements",
    (x: tf.Tensor) => tf.scatterND(int32([1, 1, 0, 2], [2, 2]), x, [2, 3]),
    [floats([2])],
    "gradient",
  ],
  ["scatterND of int32", (x: tf.Tensor) => tf.scatterND(int32([1, 1], [2, 1]), x, [3, 3]), [signed([2, 3])]],
  [
    "tensorScatterUpdate",
    (x: tf.Tensor, y: tf.Tensor) => tf.tensorScatterUpdate(x, int32([2, 0], [2, 1]), y),
    several(floats, [
      [3, 2],
      [2, 2],
    ]),
  ],
  [
    "tensorScatterUpdate, twice the same",
    (x: tf.Tensor, y: tf.Tensor) => tf.tensorScatterUpdate(x, int32([2, 2], [2, 1]), y),
    several(signed, [
      [3, 2],
      [2, 2],
    ]),
  ],
  ["sparseToDense", (x: tf.Tensor) => tf.sparseToDense(int32([1, 1, 0, 2], [2, 2]), x, [2, 3], 7), [floats([2])]],
  [
    "sparseToDense of a vector",
    (x: tf.Tensor) => tf.sparseToDense(int32([3, 1]), x, [4], tf.scalar(0, "int32")),
    [signed([2])],
  ],
  [
    "unsortedSegmentSum",
    (x: tf.Tensor, at: tf.Tensor1D) => tf.unsortedSegmentSum(x, at, 4),
    [floats([6, 3]), ints([6])],
    "gradient",
  ],
  [
    "unsortedSegmentSum, some in no segment",
    (x: tf.Tensor) => tf.unsortedSegmentSum(x, int32([2, -1, 0, 9, 2]) as tf.Tensor1D, 3),
    [floats([5, 2])],
  ],
  [
    "unsortedSegmentSum of int32",
    (x: tf.Tensor) => tf.unsortedSegmentSum(x, int32([2, -1, 0]) as tf.Tensor1D, 3),
    [signed([3, 2])],
  ],
];

export const shapes: readonly Row[] = [...moved, ...others];
