import { expect, it } from "vitest";
import { microbatches } from "./microbatches.ts";

// Lengths 33, 5, 20, 6.
const offsets = Int32Array.of(0, 33, 38, 58, 64);
const sentences = {
  length: 4,
  offsets,
  inputIds: new Uint16Array(64).fill(7),
  keywordMask: new Uint8Array(64).fill(1),
  lines: new Uint32Array(4),
};
const options = { tokenBudget: 1024, padTokenId: 0 };

it("sentences of like length go together, each once", () => {
  const pieces = microbatches(sentences, [0, 1, 2, 3], { ...options, size: 2 });
  expect(pieces.map(({ rows }) => [...rows])).toEqual([
    [2, 0],
    [1, 3],
  ]);
  expect(pieces.map(({ batch }) => batch.shape)).toEqual([
    [2, 33],
    [2, 6],
  ]);
});

it("no more go together than the budget has tokens for", () => {
  const many = Array.from({ length: 64 }, (_, n) => n % 4);
  for (const tokenBudget of [160, 400, 4096]) {
    const pieces = microbatches(sentences, many, { ...options, tokenBudget });
    expect(pieces.flatMap(({ rows }) => [...rows]).sort()).toEqual(many.toSorted());
    for (const { batch } of pieces) expect(batch.shape[0] * batch.shape[1]).toBeLessThanOrEqual(tokenBudget);
  }
});

it("a batch has no row or token beyond its longest sentence", () => {
  expect(microbatches(sentences, [0], options)[0]!.batch.shape).toEqual([1, 33]);
  expect(microbatches(sentences, [0, 1, 2], { ...options, tokenBudget: 100 }).map(({ batch }) => batch.shape)).toEqual([
    [2, 33],
    [1, 5],
  ]);
});

it("a width that is asked for is kept, and counts", () => {
  const pieces = microbatches(sentences, [0, 1, 2, 3], { ...options, tokenBudget: 80, width: 40, size: 2 });
  expect(pieces.map(({ batch }) => batch.shape)).toEqual([
    [2, 40],
    [2, 40],
  ]);
});
