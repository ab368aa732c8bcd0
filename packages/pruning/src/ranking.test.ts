import { eager, generator, jit, ndarray, tf } from "@pruning-bias/runtime";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countKept, hostCountKept, hostLargest, largest } from "./ranking.ts";

type Inputs = { values: tf.Tensor; density: tf.Scalar };

// TensorFlow.js' JavaScript backend sorts objects: a million of them take a while.
describe.each([
  ["eager", eager, 50_000],
  ["compiled", jit, 1_000_000],
])("the largest values (%s)", (_, compile, n) => {
  const run = compile(({ values, density }: Inputs) => ({ kept: largest(values, countKept(density, values.size)) }));

  test("are the first of a stable sort, for any ties and density", async () => {
    const drawn = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 7, maxLength: 7 });
    const same = async (drawn: number[], density: number) => {
      const values = Float32Array.from(drawn);
      const order = drawn.map((_, index) => index).toSorted((a, b) => drawn[b]! - drawn[a]! || a - b);
      const kept = new Set(order.slice(0, Math.floor(density * 7 + 1e-9)));
      const expected = drawn.map((_, index) => Number(kept.has(index)));
      expect(Array.from((await run({ values: ndarray(values), density })).kept.data)).toEqual(expected);
      expect(Array.from(hostLargest(values, hostCountKept(density, 7)))).toEqual(expected);
    };
    const densities = fc.constantFrom(0, 0.1, 1 / 7, 0.3, 3 / 7, 0.5, 6 / 7, 1);
    await fc.assert(fc.asyncProperty(drawn, densities, same), { numRuns: 60, seed: 1 });
  });

  test(`of ${n} scores are exactly as many as asked for, with ties or without`, async () => {
    const { uniform } = generator(1);
    const values = Float32Array.from({ length: n }, uniform);
    const tied = Float32Array.from(values, (value) => Math.floor(value * 4));
    for (const [data, density, count] of [
      [values, 0.123, 0.123 * n],
      [tied, 0.7, 0.7 * n],
    ] as const) {
      const { kept } = await run({ values: ndarray(data), density });
      const host = hostLargest(data, hostCountKept(density, n));
      expect((kept.data as Int32Array).reduce((sum, bit) => sum + bit, 0)).toBe(Math.round(count));
      expect(
        kept.data.every((bit, i) => bit === host[i]),
        "host",
      ).toBe(true);
    }
    await run.dispose();
  });
});

test("⌊τ·n⌋ in float32 does not lose what τ·n is meant to be", () => {
  expect(hostCountKept(0.7, 10)).toBe(7);
  expect(hostCountKept(0.29, 100)).toBe(29);
  expect(hostCountKept(0.1, 589_824)).toBe(58_982);
});

test("of 2²² values and more no more than all are kept", () => {
  for (const n of [2 ** 22, 2 ** 24]) {
    expect(hostCountKept(1, n)).toBe(n);
    expect(countKept(tf.scalar(1), n).dataSync()[0]).toBe(n);
  }
});
