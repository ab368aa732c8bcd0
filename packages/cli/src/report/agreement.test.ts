import { expect, it } from "vitest";
import { agreement } from "./agreement.ts";
import type { PointResults } from "./results.ts";

const point = (bits: number, grid: [number, number] = [2, 4]): PointResults => {
  const mask = Buffer.from([bits]).toString("base64");
  const modules = [{ name: "encoder.layer.0.attention.self.value", layer: 0, open: 0, total: 8, grid, mask }];
  const masks = { threshold: 0.1, modules, heads: [], headsOpen: 0, headsTotal: 0, undecided: 0, scores: 8 };
  return { name: "a", steps: [], validations: [], glue: [], masks };
};

it("agreement of masks by hand: Jaccard 3/5, and κ beyond chance", () => {
  // 11110000 and 01111000: both 3, one of them 2, of 8; each half open, so chance agrees in half.
  const found = agreement(point(0b11110000), point(0b01111000))!;
  expect(found.jaccard).toBeCloseTo(3 / 5, 12);
  expect(found.kappa).toBeCloseTo((6 / 8 - 1 / 2) / (1 / 2), 12);
});

it("matrices count by their weights, and masks that are all open agree whatever chance says", () => {
  const two = (first: number, second: number): PointResults => {
    const [a] = point(first).masks!.modules;
    const [b] = point(second).masks!.modules;
    const modules = [
      { ...a!, shape: [2, 4] as [number, number] },
      { ...b!, name: "encoder.layer.0.attention.self.key", shape: [6, 4] as [number, number] },
    ];
    return { ...point(first), masks: { ...point(first).masks!, modules } };
  };
  // Agreeing in no block of 8 weights, and in each of 24.
  expect(agreement(two(255, 255), two(0, 255))!.jaccard).toBeCloseTo(24 / 32, 12);
  expect(agreement(point(255), point(255))).toEqual({ jaccard: 1, kappa: 1 });
});

it("masks over other blocks are not compared", () => {
  expect(agreement(point(255), point(255, [4, 2]))).toBe(undefined);
});
