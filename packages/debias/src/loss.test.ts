import { eager, type Jit, jit, ndarray, tf, valueAndGradients } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { debiasLoss, hiddenStateIndices, keepLoss, type LossForm, sentenceRows, tokenRows } from "./index.ts";

const array = (rows: number[][]) => ndarray(Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]);
const vector = (...values: number[]) => ndarray(Float32Array.from(values));

// v_m = (1, 2), v_f = (3, −2); rows t = (1, 1) and (2, 0): t·v_m = 3, 2 and t·v_f = 1, 6.
const attributes = array([
  [1, 2],
  [3, -2],
]);
const rows = array([
  [1, 1],
  [2, 0],
]);

const backends: [string, Jit][] = [
  ["eager", eager],
  ["compiled", jit],
];

describe.each(backends)("on the %s backend", (_, on) => {
  const loss = (form: LossForm, weights: number[]) =>
    on((inputs: { attributes: tf.Tensor2D; rows: tf.Tensor2D; weights: tf.Tensor1D }) =>
      debiasLoss(form, inputs.attributes, inputs.rows, inputs.weights),
    )({ attributes, rows, weights: vector(...weights) });

  it.each([
    ["sum_of_squares", (9 + 1 + 4 + 36) / 2],
    ["squared_sum", (16 + 64) / 2],
    // g = (−2, 4)/√20: t·g = 2/√20, −4/√20
    ["direction", (4 / 20 + 16 / 20) / 2],
  ] as const)("the debiasing loss %s of two rows is %d", async (form, expected) => {
    expect((await loss(form, [0.5, 0.5])).data[0]).toBeCloseTo(expected, 5);
  });

  it("a row of weight 0 does not count", async () => {
    expect((await loss("sum_of_squares", [1, 0])).data[0]).toBeCloseTo(10, 5);
  });

  it("the gradient of the debiasing loss is 2 Σ_a (t·v_a) v_a", async () => {
    const gradient = on((inputs: { rows: tf.Tensor2D; attributes: tf.Tensor2D; weights: tf.Tensor1D }) => {
      return valueAndGradients(
        (p: { rows: tf.Tensor2D }) => debiasLoss("sum_of_squares", inputs.attributes, p.rows, inputs.weights),
        { rows: inputs.rows },
      ).gradients;
    });
    const { rows: got } = await gradient({ rows, attributes, weights: vector(1, 1) });
    // 2·(3·(1,2) + 1·(3,−2)) and 2·(2·(1,2) + 6·(3,−2))
    expect([...got!.data]).toEqual([12, 8, 40, -16]);
  });

  it("keeping costs the squared distance", async () => {
    const keep = on((inputs: { a: tf.Tensor2D; b: tf.Tensor2D; weights: tf.Tensor1D }) =>
      keepLoss(inputs.a, inputs.b, inputs.weights),
    );
    const original = array([
      [1, 0],
      [0, 0],
    ]);
    expect((await keep({ a: rows, b: original, weights: vector(0.5, 0.5) })).data[0]).toBeCloseTo((1 + 4) / 2, 6);
  });

  it("token mode is the keywords' mean, sentence mode every position", async () => {
    const hidden = ndarray(Float32Array.of(1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60), [2, 3, 2]);
    const masks = array([
      [0, 2, 1],
      [1, 0, 0],
    ]);
    const tokens = await on((i: { h: tf.Tensor3D; m: tf.Tensor2D }) => tokenRows(i.h, i.m))({ h: hidden, m: masks });
    expect(tokens.shape).toEqual([2, 2]);
    [7 / 3, 70 / 3, 4, 40].forEach((value, i) => expect(tokens.data[i]).toBeCloseTo(value, 5));
    const all = await on((h: tf.Tensor3D) => sentenceRows(h))(hidden);
    expect(all.shape).toEqual([6, 2]);
  });
});

it("layers are named as in the original", () => {
  expect(hiddenStateIndices("first", 12)).toEqual([0]);
  expect(hiddenStateIndices("last", 12)).toEqual([12]);
  expect(hiddenStateIndices("CLS", 12)).toEqual([12]);
  expect(hiddenStateIndices("intermediate", 12)).toEqual([1, 2, 3, 4]);
  expect(hiddenStateIndices("all", 2)).toEqual([0, 1, 2]);
  expect(hiddenStateIndices("intermediate", 2)).toEqual([1, 2]);
});

it("what is not a layer, and shapes that operators would spread, are refused", () => {
  expect(() => hiddenStateIndices("middle" as "all", 12)).toThrow(
    "expected first | last | all | intermediate | CLS, got middle",
  );
  expect(() => hiddenStateIndices("all", NaN)).toThrow("hiddenStateIndices: expected a number of layers, got NaN");
  const [one, two] = [tf.zeros<tf.Rank.R2>([1, 3]), tf.zeros<tf.Rank.R2>([2, 3])];
  const weights = tf.ones<tf.Rank.R1>([2]);
  expect(() => keepLoss(two, one, weights)).toThrow("keepLoss: original: expected shape [2, 3], got [1, 3]");
  expect(() => keepLoss(two, two, tf.ones([1]))).toThrow("keepLoss: weights: expected shape [2], got [1]");
  expect(() => debiasLoss("sum_of_squares", one, two, weights)).toThrow(
    "debiasLoss: attributes: expected shape [2, 3], got [1, 3]",
  );
  expect(() => tokenRows(tf.zeros([2, 4, 3]), tf.ones([2, 1]))).toThrow(
    "tokenRows: expected a keyword mask [2, 4], got [2, 1]",
  );
});
