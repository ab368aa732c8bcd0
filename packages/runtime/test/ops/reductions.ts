import { tf } from "../../src/index.ts";
import { bools, floats, ints, type Op, positive, type Row, signed } from "./row.ts";

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

const reductionsOf: Record<string, Reduction> = { sum: tf.sum, mean: tf.mean, max: tf.max, min: tf.min, prod: tf.prod };
const axes = [undefined, 0, 1, 2, -1, -2, [0, 1], [0, 2], [2, 0], [1, 2], [-1, 0], []];

const along: Row[] = Object.entries({ ...reductionsOf, logSumExp: tf.logSumExp as Reduction }).flatMap(([name, op]) => [
  ...axes.map((axis, index): Row => {
    const keep = index % 2 === 1;
    const over = JSON.stringify(axis) ?? "everything";
    return [
      `${name} over ${over}${keep ? ", axes kept" : ""}`,
      (x: tf.Tensor) => op(x, axis, keep),
      [floats([2, 3, 2])],
      "gradient",
    ];
  }),
  [`${name} of a scalar`, (x: tf.Tensor) => op(x), [floats([])], "gradient"],
  [`${name} over an axis of one element`, (x: tf.Tensor) => op(x, 1), [floats([2, 1, 3])], "gradient"],
  [`${name} of rank 4`, (x: tf.Tensor) => op(x, [1, 3]), [floats([2, 3, 1, 2])], "gradient"],
]);

const types: Row[] = Object.entries(reductionsOf).flatMap(([name, op]) => [
  [`${name} of int32`, (x: tf.Tensor) => op(x, 1), [signed([2, 5])]],
  [`${name} of bool`, (x: tf.Tensor) => op(x, 0), [bools([3, 2])]],
  [`${name} over nothing`, (x: tf.Tensor) => op(x, 1), [floats([2, 0])]],
  [`${name} beside nothing`, (x: tf.Tensor) => op(x, 1), [floats([0, 2])]],
]);

const scans: Row[] = Object.entries({ cumsum: tf.cumsum, cumprod: tf.cumprod }).flatMap(([name, op]) => [
  ...[0, 1, 2].flatMap((axis) =>
    [false, true].flatMap((exclusive) =>
      [false, true].map((reverse): Row => [
        `${name} along ${axis}${exclusive ? ", exclusive" : ""}${reverse ? ", reversed" : ""}`,
        (x: tf.Tensor) => op(x, axis, exclusive, reverse),
        [floats([2, 3, 2])],
        "gradient",
      ]),
    ),
  ),
  [`${name} of int32`, (x: tf.Tensor) => op(x, 1), [signed([2, 5])]],
  [`${name} of bool`, (x: tf.Tensor) => op(x), [bools([5])]],
  [`${name} of one element`, (x: tf.Tensor) => op(x), [floats([1])], "gradient"],
]);

const truths: Row[] = [undefined, 0, -1, [0, 1]].flatMap((axis): Row[] => [
  [`any over ${String(axis)}`, (x: tf.Tensor) => tf.any(x, axis), [bools([4, 3])]],
  [`all over ${String(axis)}, axes kept`, (x: tf.Tensor) => tf.all(x, axis, true), [bools([4, 3])]],
]);

const orders: Row[] = [
  ...[0, 1, -1].flatMap((axis): Row[] => [
    [`argMax along ${axis}`, (x: tf.Tensor) => tf.argMax(x, axis), [floats([4, 3])]],
    [`argMin along ${axis}`, (x: tf.Tensor) => tf.argMin(x, axis), [floats([2, 3, 2])]],
  ]),
  ["argMax of int32, equal values", (x: tf.Tensor) => tf.argMax(x), [ints([9])]],
  ["argMin of bool", (x: tf.Tensor) => tf.argMin(x), [bools([5])]],
  ["topk", ((x: tf.Tensor) => Object.values(tf.topk(x, 3))) as Op, [floats([2, 3, 5])]],
  ["topk, values", (x: tf.Tensor) => tf.topk(x, 2).values, [floats([3, 5])], "gradient"],
  ["topk of all", (x: tf.Tensor) => tf.topk(x, 4).values, [floats([4])], "gradient"],
  ["topk of int32, equal values", ((x: tf.Tensor) => Object.values(tf.topk(x, 6))) as Op, [ints([9])]],
  ["topk of nothing", ((x: tf.Tensor) => Object.values(tf.topk(x, 2))) as Op, [floats([0, 3])]],
  ["softmax", (x: tf.Tensor) => tf.softmax(x), [floats([2, 3, 5])], "gradient"],
  ["softmax of a vector", (x: tf.Tensor) => tf.softmax(x), [floats([5])], "gradient"],
  ["logSoftmax", (x: tf.Tensor) => tf.logSoftmax(x), [floats([2, 5])], "gradient"],
  ["lowerBound", tf.lowerBound, [signed([7], 0), ints([5])].map(sorted)],
  ["upperBound of rows", tf.upperBound, [sorted(floats([1, 6])), floats([1, 3], 2)]],
  [
    "searchSorted of int32",
    (s: tf.Tensor, v: tf.Tensor) => tf.searchSorted(s, v, "right"),
    [sorted(ints([9])), ints([4])],
  ],
  ["bincount", (x: tf.Tensor1D, w: tf.Tensor1D) => tf.bincount(x, w, 3), [ints([9]), positive([9])]],
  ["bincount of int32 weights", (x: tf.Tensor1D, w: tf.Tensor1D) => tf.bincount(x, w, 5), [ints([9]), signed([9])]],
  [
    "denseBincount of rows",
    (x: tf.Tensor2D, w: tf.Tensor2D) => tf.denseBincount(x, w, 4),
    [ints([2, 5]), positive([2, 5])],
  ],
  ["denseBincount, truths", (x: tf.Tensor2D) => tf.denseBincount(x, tf.zeros([0, 0]), 5, true), [ints([2, 3])]],
  ["moments", ((x: tf.Tensor) => tf.moments(x, -1).variance) as Op, [floats([2, 3])], "gradient"],
  ["norm", ((x: tf.Tensor) => tf.norm(x, "euclidean", -1)) as Op, [floats([2, 3])], "gradient"],
];

export const reductions: readonly Row[] = [...along, ...types, ...scans, ...truths, ...orders];

function sorted<T extends { data: { sort(): unknown } }>(array: T): T {
  array.data.sort();
  return array;
}
