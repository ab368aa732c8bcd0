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

it("sentences of like length go together, each once", () => {
  const pieces = microbatches(sentences, [0, 1, 2, 3], { size: 2, padTokenId: 0 });
  expect(pieces.map(({ rows }) => [...rows])).toEqual([
    [1, 3],
    [2, 0],
  ]);
  expect(pieces.map(({ batch }) => batch.shape)).toEqual([
    [2, 8],
    [2, 48],
  ]);
});

it("no batch is wider than the model has positions", () => {
  const [piece] = microbatches(sentences, [0], { size: 2, padTokenId: 0, positions: 40 });
  expect(piece!.batch.shape).toEqual([1, 40]);
});

it("a width that is asked for is kept", () => {
  const [piece] = microbatches(sentences, [1], { size: 1, padTokenId: 0, width: 24 });
  expect(piece!.batch.shape).toEqual([1, 24]);
});
