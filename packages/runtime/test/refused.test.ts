import { describe, expect, it, vi } from "vitest";
import { eager, jit, ndarray, tf, valueAndGradients } from "../src/index.ts";

const x = ndarray(Float32Array.of(1, -2, 3, 4), [2, 2]);

type Any = (x: tf.Tensor) => never;
const READ =
  "values were read while tracing (dataSync, array, print, booleanMaskAsync, …); shapes and control flow must";
const SHAPE = "the shape of its result depends on values; use a mask, tf.where or tf.topk with a fixed k instead";

/** Functions that need values while they are traced, and how they are refused. */
const refusals: Record<string, [fn: (x: tf.Tensor) => unknown, message: string]> = {
  dataSync: [(x) => tf.slice(x, [0, 0], [Math.abs(x.dataSync()[0]!), 1]), READ],
  arraySync: [(x) => tf.mul(x, (x.arraySync() as number[][])[0]![0]!), READ],
  bufferSync: [(x) => tf.mul(x, x.bufferSync().get(0, 0)), READ],
  data: [(x) => [x, void x.data()][0], READ],
  array: [(x) => [x, void x.array()][0], READ],
  buffer: [(x: tf.Tensor) => [x, void x.buffer()][0], READ],
  "a function that waits for values": [async (x) => tf.mul(x, (await x.data())[0]!), READ],
  print: [(x) => [x, x.print()][0], READ],
  text: [(x) => [x, String(x)][0], READ],
  booleanMaskAsync: [(x) => tf.booleanMaskAsync(x, tf.greater(x, 0)), READ],
  whereAsync: [(x) => tf.whereAsync(tf.greater(x, 0)), READ],
  setdiff1dAsync: [(x) => tf.setdiff1dAsync(tf.reshape(x, [4]), tf.reshape(x, [4])), READ],
  nonMaxSuppressionAsync: [
    (x) => tf.image.nonMaxSuppressionAsync(tf.tile(x, [1, 2]) as tf.Tensor2D, tf.zeros([2]), 1),
    READ,
  ],
  "values inside of gradients": [
    (x) => valueAndGradients(({ x }) => tf.mul(tf.sum<tf.Scalar>(x!), x!.dataSync()[0]!), { x }).value,
    READ,
  ],
  "values inside of a gradient by hand": [
    (x) =>
      valueAndGradients(
        ({ x }) =>
          tf.sum<tf.Scalar>(
            tf.customGrad((x) => ({
              value: tf.square(x as tf.Tensor),
              gradFunc: (dy: tf.Tensor) => tf.mul(dy, dy.dataSync()[0]!),
            }))(x!),
          ),
        { x },
      ).gradients,
    READ,
  ],
  nonMaxSuppression: [
    (x) => tf.image.nonMaxSuppression(tf.tile(x, [1, 2]) as tf.Tensor2D, tf.zeros([2]), 1),
    `jit: NonMaxSuppressionV3 has no rule: ${SHAPE}`,
  ],
  unique: [(x) => tf.unique(tf.reshape(x, [4])).values, `jit: Unique has no rule: ${SHAPE}`],
  multinomial: [(x) => tf.multinomial(x as tf.Tensor2D, 2), "take it from the function's second argument"],
  conv2d: [
    (x) => tf.conv2d(tf.reshape(x, [1, 2, 2, 1]) as tf.Tensor4D, tf.ones([1, 1, 1, 1]), 1, "same"),
    "jit: Conv2D has no rule: convolutions and pooling run eagerly only",
  ],
  "complex numbers": [(x) => tf.complex(x, x), "jit: Complex has no rule: complex numbers"],
  "sums of truths as bytes": [
    (x) => tf.add(tf.greater(x, 0), tf.greater(x, 1)),
    "jit: Add: expected numbers, got bool; cast it to int32 or float32 first",
  ],
};

describe("compiled functions refuse", () => {
  it.each(Object.entries(refusals))("%s", async (_, [fn, message]) => {
    await expect(jit(fn as Any)(x)).rejects.toThrow(message);
    // The next function is not affected.
    expect([...(await jit((x: tf.Tensor) => tf.neg(x))(x)).data]).toEqual([-1, 2, -3, -4]);
  });

  it("tensors from outside, used or returned", async () => {
    const outside = tf.tensor([1, 2]);
    const message = "a tensor of float32[2] from outside the function was used in it; pass it as an input";
    await expect(jit((x: tf.Tensor) => tf.add(x, outside))(x)).rejects.toThrow(message);
    await expect(jit((x: tf.Tensor) => [x, outside])(x)).rejects.toThrow(message);
    outside.dispose();
  });

  it("tensors of another traced function", async () => {
    let other: tf.Tensor | undefined;
    await jit((x: tf.Tensor) => (other = tf.keep(tf.neg(x))))(x);
    await expect(jit((x: tf.Tensor) => tf.add(x, other!))(x)).rejects.toThrow("from outside the function");
  });
});

describe.each([
  ["eager", eager],
  ["compiled", jit],
] as const)("%s functions refuse to return", (_, on) => {
  it.each<[string, (x: tf.Tensor) => unknown, string]>([
    ["a promise", async (x) => tf.neg(x), "got a promise; a tensor function cannot be async"],
    ["a promise of tidy", (x) => tf.tidy((async () => tf.neg(x)) as never), "got a promise"],
    ["nothing", () => ({}), "expected a function that returns tensors, got none"],
    ["undefined", () => undefined, "value: expected a tensor, got undefined"],
    ["numbers", (x) => ({ x, n: 3 }), "n: expected a tensor, got 3"],
    [
      "a disposed tensor",
      (x) => {
        const y = tf.neg(x);
        y.dispose();
        return { x, y };
      },
      "y: expected a tensor, got one that was disposed",
    ],
  ])("%s", async (__, fn, message) => {
    const complaints = vi.spyOn(console, "error").mockReturnValue(); // TensorFlow.js complains of promises there
    await expect(on(fn as Any)(x)).rejects.toThrow(message);
    complaints.mockRestore();
  });
});
