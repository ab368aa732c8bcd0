import { eager, generator, jit, ndarray, tf, valueAndGradients } from "@pruning-bias/runtime";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { annealed, bestTwo, hostAnnealed, hostBestTwo, patterns } from "./ampere.ts";

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("2:4 sparsity (%s)", (_, compile) => {
  test("keeps the two best of each four along the input, the first among equals", async () => {
    const run = compile(({ scores }: { scores: tf.Tensor2D }) => ({ mask: bestTwo(scores) }));
    const drawn = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 16, maxLength: 16 });
    await fc.assert(
      fc.asyncProperty(drawn, async (drawn) => {
        const scores = Float32Array.from(drawn);
        const mask = Array.from((await run({ scores: ndarray(scores, [2, 8]) })).mask.data);
        expect(mask).toEqual(Array.from(hostBestTwo(scores)));
        for (let four = 0; four < 16; four += 4) {
          const own = drawn.slice(four, four + 4);
          const order = [0, 1, 2, 3].toSorted((a, b) => own[b]! - own[a]! || a - b);
          expect(mask.slice(four, four + 4)).toEqual([0, 1, 2, 3].map((i) => Number(order.indexOf(i) < 2)));
        }
      }),
      { numRuns: 40, seed: 1 },
    );
    await run.dispose();
  });

  test("passes the gradient straight through to all scores", async () => {
    const run = compile(({ scores, dy }: Record<"scores" | "dy", tf.Tensor2D>) =>
      valueAndGradients(({ scores }) => tf.sum(tf.mul(bestTwo(scores as tf.Tensor2D), dy)), { scores }),
    );
    const dy = Float32Array.of(1, -2, 3, 0.5);
    const { value, gradients } = await run({
      scores: ndarray(Float32Array.of(3, 1, 2, 0), [1, 4]),
      dy: ndarray(dy, [1, 4]),
    });
    await run.dispose();
    expect(value.data[0]).toBe(4);
    expect(Array.from(gradients["scores"]!.data)).toEqual(Array.from(dy));
  });

  test("anneals with the true gradient of a softmax over the six patterns", async () => {
    const [inputs, fours] = [3, 2];
    const { normal } = generator(5);
    const scores = Float32Array.from({ length: inputs * fours * 6 }, normal);
    const dy = Float32Array.from({ length: inputs * fours * 4 }, normal);
    const temperature = 1.5;
    const run = compile(({ scores, dy }: { scores: tf.Tensor3D; dy: tf.Tensor2D }) =>
      valueAndGradients(({ scores }) => tf.sum(tf.mul(annealed(scores as tf.Tensor3D, tf.scalar(temperature)), dy)), {
        scores,
      }),
    );
    const { value, gradients } = await run({
      scores: ndarray(scores, [inputs, fours, 6]),
      dy: ndarray(dy, [fours * 4, inputs]),
    });
    await run.dispose();
    const loss = (s: ArrayLike<number>) => {
      let sum = 0;
      for (let input = 0; input < inputs; input++) {
        for (let four = 0; four < fours; four++) {
          const first = (input * fours + four) * 6;
          const powers = patterns.map((_, k) => Math.exp(temperature * s[first + k]!));
          const total = powers.reduce((a, b) => a + b);
          for (const [k, pattern] of patterns.entries()) {
            for (const [i, bit] of pattern.entries()) {
              sum += ((bit * powers[k]!) / total) * dy[(four * 4 + i) * inputs + input]!;
            }
          }
        }
      }
      return sum;
    };
    const exact = Float64Array.from(scores);
    expect(value.data[0]).toBeCloseTo(loss(exact), 4);
    for (const i of exact.keys()) {
      const [up, down] = [1e-4, -1e-4].map((step) => loss(exact.with(i, exact[i]! + step)));
      expect(gradients["scores"]!.data[i]).toBeCloseTo((up! - down!) / 2e-4, 3);
    }
  });

  test("takes the pattern of the largest score in evaluation", async () => {
    const { normal } = generator(6);
    const scores = Float32Array.from({ length: 3 * 2 * 6 }, normal);
    const run = compile(({ scores }: { scores: tf.Tensor3D }) => ({ mask: annealed(scores) }));
    const { mask } = await run({ scores: ndarray(scores, [3, 2, 6]) });
    await run.dispose();
    expect(mask.shape).toEqual([8, 3]);
    expect(Array.from(mask.data)).toEqual(Array.from(hostAnnealed(scores, [3, 2, 6])));
  });
});

test("scores of other shapes are refused", () => {
  expect(() => bestTwo(tf.zeros([4, 6]))).toThrow(
    "bestTwo: expected scores [out, in] of fours along the input, got [4, 6]",
  );
  expect(() => annealed(tf.zeros([4, 2, 5]))).toThrow("annealed: expected scores [in, out/4, 6], got [4, 2, 5]");
});
