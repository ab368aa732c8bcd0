import { expect, it } from "vitest";
import { generator } from "../src/index.ts";

it("a seed gives the same numbers always", () => {
  const draw = (seed: number) => Array.from({ length: 5 }, generator(seed).uniform);
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
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
