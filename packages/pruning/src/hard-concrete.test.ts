import { eager, jit, ndarray, tf, valueAndGradients } from "@pruning-bias/runtime";
import { describe, expect, test } from "vitest";
import { hardConcrete, hostHardConcrete } from "./hard-concrete.ts";

const scores = ndarray(Float32Array.of(-4, -2.3, -1, 0, 0.7, 2, 2.39, 5));

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("the hard concrete gate (%s)", (_, compile) => {
  test("is 1.2·σ(S) − .1 between 0 and 1 in evaluation, with its true gradient", async () => {
    const run = compile(({ scores }: { scores: tf.Tensor }) =>
      valueAndGradients(({ scores }) => tf.sum(hardConcrete(scores)), { scores }),
    );
    const { gradients } = await run({ scores });
    await run.dispose();
    const step = 1e-4;
    const gate = (s: number) => Math.min(1, Math.max(0, 1.2 / (1 + Math.exp(-s)) - 0.1));
    for (const [i, s] of scores.data.entries()) {
      expect(hostHardConcrete(s)).toBeCloseTo(gate(s), 6);
      expect(gradients["scores"]!.data[i]).toBeCloseTo((gate(s + step) - gate(s - step)) / (2 * step), 3);
    }
    expect(gate(-4)).toBe(0);
    expect(gate(5)).toBe(1);
  });

  test("is disturbed by noise while training: the same for a key, another for another", async () => {
    const run = compile(({ scores }: { scores: tf.Tensor }, random) => ({ gates: hardConcrete(scores, random) }));
    const draw = async (counter: number) => Array.from((await run({ scores }, { seed: 1, counter })).gates.data);
    expect(await draw(0)).toEqual(await draw(0));
    expect(await draw(0)).not.toEqual(await draw(1));
    await run.dispose();
  });

  test("follows the formula for given noise, also at the ends of it", async () => {
    const noise = [0, 0.25, 0.5, 0.75, 1 - 2 ** -24, 0.1, 0.9, 0.5];
    const run = compile(({ scores, noise }: Record<"scores" | "noise", tf.Tensor>) => ({
      gates: hardConcrete(scores, { uniform: () => noise }),
    }));
    const { gates } = await run({ scores, noise: ndarray(Float32Array.from(noise)) });
    await run.dispose();
    for (const [i, drawn] of noise.entries()) {
      const u = Math.min(1 - 1e-4, Math.max(1e-4, drawn));
      const s = 1 / (1 + Math.exp(-(Math.log(u) - Math.log(1 - u) + scores.data[i]!) / (2 / 3)));
      expect(gates.data[i]).toBeCloseTo(Math.min(1, Math.max(0, 1.2 * s - 0.1)), 4);
    }
  });
});

test("gates open with the chance that the regulariser counts", async () => {
  const count = 20_000;
  const run = jit(({ scores }: { scores: tf.Tensor }, random) => ({
    open: tf.mean(tf.cast(tf.greater(hardConcrete(scores, random), 0), "float32")),
  }));
  const { open } = await run({ scores: ndarray(new Float32Array(count).fill(-1)) }, { seed: 3, counter: 0 });
  await run.dispose();
  // σ(−1 − ⅔·ln(.1/1.1)), within four standard deviations.
  const chance = 1 / (1 + Math.exp(1 + (2 / 3) * Math.log(0.1 / 1.1)));
  expect(Math.abs(open.data[0]! - chance)).toBeLessThan(4 * Math.sqrt((chance * (1 - chance)) / count));
});
