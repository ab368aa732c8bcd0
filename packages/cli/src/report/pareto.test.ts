import { expect, it } from "vitest";
import { pareto } from "./pareto.ts";

const places = [
  { x: 1, y: 0.9 },
  { x: 2, y: 0.5 },
  { x: 3, y: 0.7 },
  { x: 4, y: 0.2 },
  { x: 4, y: 0.3 },
];

it("the front has what no other point betters in both", () => {
  expect(pareto(places, { higherIsBetter: false }).map(({ x, y }) => [x, y])).toEqual([
    [1, 0.9],
    [2, 0.5],
    [4, 0.2],
  ]);
  expect(pareto(places, { higherIsBetter: true }).map(({ x, y }) => [x, y])).toEqual([[4, 0.2]]);
});
