import { expect, it } from "vitest";
import { evenBatchesOf } from "./batches.ts";

const ids = (...lengths: number[]) => lengths.map((length) => Array<number>(length).fill(7));
const shapesOf = (lengths: number[], batchTokens: number, shapeTokens: number) =>
  [...evenBatchesOf(ids(...lengths), { batchTokens, pad: 0, shapeTokens })].map(({ shape }) => shape.join("x"));

it("a length gets a shape of its own where that costs less than to pad", () => {
  // 5 and 6: one token of padding; 6 and 9: nine.
  const lengths = [9, 5, 6, 6, 9, 6];
  expect(shapesOf(lengths, 100, 3)).toEqual(["4x6", "2x9"]);
  expect(shapesOf(lengths, 100, 0.5)).toEqual(["1x5", "3x6", "2x9"]);
  expect(shapesOf(lengths, 100, 100)).toEqual(["6x9"]);
});

it("the batches of a width are of one size, with fillers where they have to be", () => {
  const batches = [...evenBatchesOf(ids(4, 4, 4, 4, 4), { batchTokens: 8, pad: 1, shapeTokens: 1 })];
  expect(batches.map(({ shape, rows }) => [...shape, rows.length])).toEqual([
    [2, 4, 2],
    [2, 4, 2],
    [2, 4, 1],
  ]);
  expect(batches.flatMap(({ rows }) => rows)).toEqual([0, 1, 2, 3, 4]);
  expect([...batches[2]!.inputIds.data]).toEqual([7, 7, 7, 7, 1, 1, 1, 1]);
  // A sentence that is longer than a batch goes alone.
  expect(shapesOf([12], 8, 1)).toEqual(["1x12"]);
  expect([...evenBatchesOf([], { batchTokens: 8, pad: 0, shapeTokens: 1 })]).toEqual([]);
});
