import { tf } from "../../src/index.ts";
import { bools, floats, named, type Op, type Row, several, signed } from "./row.ts";

/** Rows, inner size and columns are 2, 3 and 4; both batches, of which one may be 1 or missing. */
const batches: [number[], number[]][] = [
  [[], []],
  [[2], [2]],
  [[2], [1]],
  [[1], [2]],
  [[], [2]],
  [[2], []],
  [
    [2, 3],
    [2, 3],
  ],
];

const products: Row[] = batches.flatMap(([left, right]) =>
  [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB): Row => {
      const a = [...left, ...(transposeA ? [3, 2] : [2, 3])];
      const b = [...right, ...(transposeB ? [4, 3] : [3, 4])];
      const name = `matMul of ${named(a, b)}${transposeA ? ", first transposed" : ""}${transposeB ? ", second transposed" : ""}`;
      return [
        name,
        (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, transposeA, transposeB),
        several(floats, [a, b]),
        "gradient",
      ];
    }),
  ),
);

const fused: Row[] = [
  ...(["linear", "relu", "elu", "relu6", "sigmoid", "leakyrelu"] as const).map((activation): Row => [
    `fused.matMul with ${activation}`,
    (a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor) => tf.fused.matMul({ a, b, bias, activation }),
    several(floats, [[2, 3], [3, 2], [2]]),
    "gradient",
  ]),
  [
    "fused.matMul with prelu",
    (a: tf.Tensor, b: tf.Tensor, preluActivationWeights: tf.Tensor) =>
      tf.fused.matMul({ a, b, activation: "prelu", preluActivationWeights }),
    several(floats, [[2, 3], [3, 2], [2]]),
    "gradient",
  ],
];

const equations: [equation: string, shapes: number[][]][] = [
  ["ij,jk->ik", [[2, 3], [3, 2]]], // oxfmt-ignore
  ["bij,bjk->bik", [[2, 2, 3], [2, 3, 2]]], // oxfmt-ignore
  ["bqhd,bkhd->bhqk", [[1, 2, 2, 3], [1, 3, 2, 3]]], // oxfmt-ignore
  ["ij,j->i", [[2, 3], [3]]], // oxfmt-ignore
  ["ij->j", [[2, 3]]],
  ["ij->", [[2, 3]]],
  ["ijk->kji", [[2, 3, 2]]],
];

export const matrices: readonly Row[] = [
  ...products,
  [
    "matMul of int32",
    (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, true),
    several(signed, [
      [2, 3],
      [2, 4],
    ]),
  ],
  [
    "matMul of int32 batches",
    (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, false, true),
    several(signed, [
      [2, 3, 2],
      [2, 4, 2],
    ]),
  ],
  [
    "matMul over nothing",
    tf.matMul as Op,
    several(floats, [
      [2, 0],
      [0, 3],
    ]),
  ],
  [
    "matMul of no rows",
    tf.matMul as Op,
    several(floats, [
      [0, 2],
      [2, 3],
    ]),
  ],
  ["dot", tf.dot as Op, several(floats, [[3], [3]]), "gradient"],
  ["outerProduct", tf.outerProduct as Op, several(floats, [[3], [2]]), "gradient"],
  ...fused,
  [
    "fused.matMul of int32",
    (a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor) => tf.fused.matMul({ a, b, bias, activation: "relu" }),
    several(signed, [[2, 3], [3, 2], [2]]),
  ],
  ...equations.map(([equation, shapes]): Row => [
    `einsum ${equation}`,
    ((...x: tf.Tensor[]) => tf.einsum(equation, ...x)) as Op,
    several(floats, shapes),
    "gradient",
  ]),
  [
    "batchNorm",
    (x: tf.Tensor, mean: tf.Tensor1D, offset: tf.Tensor1D, scale: tf.Tensor1D) =>
      tf.batchNorm(x as tf.Tensor2D, mean, tf.add(tf.square(scale), 0.5), offset, scale, 0.1),
    several(floats, [[4, 3], [3], [3], [3]]),
    "gradient",
  ],
  [
    "products of what masks choose",
    (m: tf.Tensor, x: tf.Tensor) => tf.matMul(tf.cast(m, "float32"), x),
    [bools([2, 3]), floats([3, 2])],
    "gradient",
  ],
];
