import { describe, expect, it } from "vitest";
import { batchHalves, batchPieces } from "./batch-pieces.ts";

const lengths = Array.from({ length: 1003 }, (_, n) => 3 + ((n * n) % 120));
const sorted = (batches: readonly Int32Array[]) => batches.flatMap((batch) => [...batch]).sort((a, b) => a - b);
const all = lengths.map((_, row) => row);

describe("the pieces of a batch", () => {
  const rows = Int32Array.from(all.slice(0, 32));
  it.each([64, 300, 2048])("hold each row once, within a budget of %i tokens", (tokenBudget) => {
    const cut = batchPieces(rows, lengths, { tokenBudget, positions: 128 });
    expect(sorted(cut.map((piece) => piece.rows))).toEqual([...rows]);
    for (const { rows: own, size, width } of cut) {
      expect(own.length).toBeLessThanOrEqual(size);
      expect(Math.max(...own.values().map((row) => lengths[row]!))).toBeLessThanOrEqual(width);
      expect(width % 8).toBe(0);
      expect(size === 4 || size * width <= tokenBudget).toBe(true);
    }
  });

  it("take few shapes and little padding", () => {
    const batches = Array.from({ length: 32 }, (_, n) => Int32Array.from(all.filter((row) => row % 32 === n)));
    const cut = batches.flatMap((batch) => batchPieces(batch, lengths, { tokenBudget: 2048, positions: 128 }));
    const padded = cut.reduce((sum, { size, width }) => sum + size * width, 0);
    expect(padded / lengths.reduce((sum, length) => sum + length, 0)).toBeLessThan(1.25);
    expect(new Set(cut.map(({ size, width }) => `${size} ${width}`)).size).toBeLessThan(40);
  });

  it("are no wider than the model's positions", () => {
    const [piece] = batchPieces(Int32Array.of(0), [9], { tokenBudget: 100, positions: 12 });
    expect(piece).toMatchObject({ size: 4, width: 12 });
  });

  it.each([1, 3, 24, 300])("have no more than %i rows where that is asked for", (most) => {
    const cut = batchPieces(rows, lengths, { tokenBudget: 2048, positions: 128, most });
    expect(sorted(cut.map((piece) => piece.rows))).toEqual([...rows]);
    for (const { size } of cut) expect(size).toBeLessThanOrEqual(most);
  });
});

describe("the halves of a batch", () => {
  const cost = (half: readonly (readonly { size: number; width: number }[])[]) =>
    half.flat().reduce((sum, { size, width }) => sum + size * width, 0);

  it.each([300, 4096])("hold each row once, without fillers, and cost about the same (%i tokens)", (tokenBudget) => {
    for (let start = 0; start < 960; start += 32) {
      const rows = Int32Array.from(all.slice(start, start + 32));
      const halves = batchHalves(rows, lengths, { tokenBudget, parts: 3 });
      expect(sorted(halves.flat(2).map((piece) => piece.rows))).toEqual([...rows]);
      const [one, other] = halves.map(cost) as [number, number];
      expect(Math.abs(one - other)).toBeLessThan(400);
      for (const pack of halves.flat()) {
        expect(pack.length).toBeLessThanOrEqual(3);
        expect(cost([pack]) <= tokenBudget || pack[0]!.size === 1).toBe(true);
        for (const { rows: own, size, width } of pack) {
          expect(own.length).toBe(size);
          expect(Math.max(...own.values().map((row) => lengths[row]!))).toBe(width);
        }
      }
    }
  });

  it("are of one pack each within the budget", () => {
    const rows = Int32Array.from(all.slice(0, 32));
    const packs = (tokenBudget: number) =>
      batchHalves(rows, lengths, { tokenBudget, parts: 3 }).map((half) => half.length);
    expect(packs(4096)).toEqual([1, 1]);
    expect(Math.min(...packs(300))).toBeGreaterThan(1);
  });

  it("have the fewest tokens that so many pieces can have", () => {
    const few = [3, 3, 4, 9, 9, 20];
    const pieces = (parts: number) =>
      batchHalves(Int32Array.from(few.keys()), few, { tokenBudget: 99, parts })
        .flat(2)
        .map(({ size, width }) => [size, width]);
    expect(pieces(1)).toEqual([
      [4, 9],
      [2, 20],
    ]);
    expect(pieces(2)).toEqual([
      [3, 4],
      [1, 9],
      [1, 9],
      [1, 20],
    ]);
  });

  it("pad less than pieces of few shapes", () => {
    const rows = Int32Array.from(all.slice(0, 32));
    const [halves, pieces] = [
      batchHalves(rows, lengths, { tokenBudget: 2048, parts: 3 }).flat(),
      batchPieces(rows, lengths, { tokenBudget: 2048, positions: 128 }),
    ];
    expect(cost(halves)).toBeLessThan(cost([pieces]));
  });

  it("are one for a single row", () => {
    const halves = batchHalves(Int32Array.of(3), lengths, { tokenBudget: 99, parts: 3 });
    expect(halves.map((half) => half.length)).toEqual([1, 0]);
  });
});
