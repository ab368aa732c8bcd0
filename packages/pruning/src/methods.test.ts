import { eager, jit, ndarray, tf, valueAndGradients } from "@pruning-bias/runtime";
import { describe, expect, test } from "vitest";
import { binarise, type Binariser, hostBinarise } from "./methods.ts";

const scores = ndarray(Float32Array.of(-2, -1, 0, 0, 1, 2), [2, 3]);

/** σ: .119 .269 .5 .5 .731 .881. */
const byHand: readonly [string, Binariser, threshold: number, mask: readonly number[]][] = [
  ["σ(S) > τ", { method: "sigmoid_threshold", minElements: 0 }, 0.3, [0, 0, 1, 1, 1, 1]],
  ["σ(S) > τ is strict", { method: "sigmoid_threshold", minElements: 0 }, 0.5, [0, 0, 0, 0, 1, 1]],
  ["of six scores ⌊.5·6⌋ + 1 stay open", { method: "sigmoid_threshold", minElements: 0.5 }, 0.99, [0, 0, 1, 1, 1, 1]],
  ["S > τ", { method: "threshold", minElements: 0 }, -1, [0, 0, 1, 1, 1, 1]],
  ["the ⌊τ·n⌋ largest, among equals the first", { method: "topK", minElements: 0 }, 0.5, [0, 0, 1, 0, 1, 1]],
  ["1.2·σ(S) − .1, clipped", { method: "l0", minElements: 0 }, 0, [0.043, 0.2227, 0.5, 0.5, 0.7773, 0.957]],
];

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("a mask by hand (%s)", (_, compile) => {
  test.each(byHand)("%s", async (_, binariser, threshold, expected) => {
    const run = compile(({ s, tau }: { s: tf.Tensor; tau: tf.Scalar }) => ({
      mask: binarise(s, tau, binariser),
      ...valueAndGradients(({ s }) => tf.sum(tf.mul(binarise(s, tau, binariser), 3)) as tf.Scalar, { s }),
    }));
    const { mask, gradients } = await run({ s: scores, tau: threshold });
    const onHost = hostBinarise(scores, threshold, binariser);
    expect(mask.shape).toEqual([2, 3]);
    expected.forEach((value, i) => {
      expect(mask.data[i]).toBeCloseTo(value, 4);
      expect(onHost.data[i]).toBeCloseTo(value, 4);
    });
    // Straight through, open or closed; of l0 1.2·σ′.
    const slope = (score: number) => 1.2 / (1 + Math.exp(-score)) / (1 + Math.exp(score));
    scores.data.forEach((score, i) => {
      expect(gradients["s"]!.data[i]).toBeCloseTo(3 * (binariser.method === "l0" ? slope(score) : 1), 5);
    });
  });
});
