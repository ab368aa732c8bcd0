import { binarise, hostBinarise, parsePruningSettings, schedule } from "@pruning-bias/pruning";
import { eager, jit, ndarray, tf, valueAndGradients } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { surrogate } from "./surrogate.ts";

const binariser = { method: surrogate, minElements: 0 };
const scores = ndarray(Float32Array.of(-2, 0.2, 0.3, 5));

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("the method surrogate (%s)", (_, compile) => {
  it("opens what is above the threshold, with a gradient that fades away from it", async () => {
    const run = compile(({ s, tau }: { s: tf.Tensor; tau: tf.Scalar }) => ({
      mask: binarise(s, tau, binariser),
      ...valueAndGradients(({ s }) => tf.sum(binarise(s, tau, binariser)) as tf.Scalar, { s }),
    }));
    const { mask, gradients } = await run({ s: scores, tau: 0.25 });
    expect(Array.from(mask.data)).toEqual([0, 0, 1, 1]);
    expect(Array.from(hostBinarise(scores, 0.25, binariser).data)).toEqual([0, 0, 1, 1]);
    const slope = (x: number) => 4 / (1 + Math.exp(-x)) / (1 + Math.exp(x));
    [-2.25, -0.05, 0.05, 4.75].forEach((x, i) => expect(gradients["s"]!.data[i]).toBeCloseTo(slope(x), 6));
  });

  it("costs nothing below −1", async () => {
    const penalty = compile(({ s }: { s: tf.Tensor }) => ({ p: surrogate.penalty!(s) }));
    const { p } = await penalty({ s: scores });
    [0, 0.18, 0.21125, 4.5].forEach((cost, i) => expect(p.data[i]).toBeCloseTo(cost, 5));
  });
});

it("raises the threshold along a sine", () => {
  const settings = parsePruningSettings({ attention: { method: surrogate }, finalThreshold: 1, initialWarmup: 0 });
  const at = (step: number) => schedule(settings, { step, totalSteps: 90, warmupSteps: 0, training: true }).threshold;
  expect([at(0), at(30), at(90)]).toEqual([0, expect.closeTo(0.5, 12), 1]);
});
