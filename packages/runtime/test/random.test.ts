import { describe, expect, it } from "vitest";
import { eager, generator, jit, ndarray, tf, valueAndGradients } from "../src/index.ts";

describe("noise of a key", () => {
  const size = 10_000;
  const run = (on: typeof jit, counter: number) =>
    on((x: tf.Tensor, random) => {
      const first = random.uniform([size]);
      const dropped = (p: { x: tf.Tensor }) => tf.sum(tf.mul(random.dropout(p.x, 0.1), x)) as tf.Scalar;
      const { value, gradients } = valueAndGradients(dropped, { x });
      return { first, second: random.uniform([2, size / 2]), value, gradient: gradients["x"]! };
    })(ndarray(new Float32Array(size).fill(1)), { seed: 5, counter });

  it("is the same to the bit, eager and compiled", async () => {
    const [compiled, checked] = [await run(jit, 3), await run(eager, 3)];
    expect(compiled.first).toEqual(checked.first);
    expect(compiled.second).toEqual(checked.second);
    expect(compiled.gradient).toEqual(checked.gradient);
    expect(compiled.value.data[0]).toBeCloseTo(checked.value.data[0]!, 0);
  });

  it("differs from site to site and from call to call", async () => {
    const [one, other] = [await run(jit, 3), await run(jit, 4)];
    expect(one.first.data).not.toEqual(one.second.data);
    expect(one.first.data).not.toEqual(other.first.data);
  });

  it("is evenly spread inside (0, 1), and dropout keeps the mean", async () => {
    const { first, value } = await run(jit, 3);
    const values = [...first.data];
    expect(Math.min(...values)).toBeGreaterThan(0);
    expect(Math.max(...values)).toBeLessThan(1);
    const mean = values.reduce((sum, x) => sum + x, 0) / size;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / size;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.003);
    expect(Math.abs(value.data[0]! / size - 1)).toBeLessThan(0.02);
  });
});

it("a seed gives the same numbers always", () => {
  const draw = (seed: number) => Array.from({ length: 5 }, generator(seed).uniform);
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

it("all bits of a seed count, and a seed is a whole number", () => {
  const draw = (seed: number) => Array.from({ length: 5 }, generator(seed).uniform);
  const seeds = [42, 42 + 2 ** 32, 42 + 2 ** 33, -42];
  expect(new Set(seeds.map((seed) => draw(seed).join())).size).toBe(seeds.length);
  for (const seed of [0.5, NaN, Infinity, 2 ** 60]) {
    expect(() => generator(seed)).toThrow(`generator: expected a whole number as seed, got ${seed}`);
  }
});

it("normal numbers have mean 0 and variance 1", () => {
  const { normal } = generator(7);
  const values = Array.from({ length: 20_000 }, normal);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.03);
  expect(Math.abs(variance - 1)).toBeLessThan(0.04);
});

it("a shuffle keeps what it shuffles", () => {
  const items = generator(3).shuffle(Int32Array.from({ length: 50 }, (_, i) => i));
  expect([...items].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect([...items]).not.toEqual(Array.from({ length: 50 }, (_, i) => i));
});
