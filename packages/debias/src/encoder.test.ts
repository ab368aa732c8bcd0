import { padBatch, sentencesOf } from "@pruning-bias/data";
import { expect, it } from "vitest";
import { batchArrays } from "./encoder.ts";

/** One batch of sentences of the same tokens with keywords at these positions. */
function batch(width: number, ...keywords: number[][]) {
  const sentences = sentencesOf(keywords.map(() => Array<number>(width).fill(7)));
  const padded = padBatch({ ...sentences, keywordMask: mask(width, keywords) }, [...keywords.keys()], { width });
  const { keywordPositions, keywordCounts } = batchArrays(padded);
  return { shape: keywordPositions.shape, positions: [...keywordPositions.data], counts: [...keywordCounts.data] };
}

const mask = (width: number, keywords: number[][]) =>
  Uint8Array.from(
    keywords.flatMap((own) => Array.from({ length: width }, (_, at) => own.filter((k) => k === at).length)),
  );

it("keywords come first, and what fills up counts nothing", () => {
  expect(batch(6, [2], [1, 3, 3])).toEqual({
    shape: [2, 4],
    positions: [2, 0, 0, 0, 1, 3, 0, 0],
    counts: [1, 0, 0, 0, 1, 2, 0, 0],
  });
});

it("a keyword at position 0 counts once", () => {
  expect(batch(8, [0]).counts).toEqual([1, 0, 0, 0]);
});

it("more keywords make the next size, however wide the batch is", () => {
  expect(batch(20, [1, 2, 3, 4, 5]).shape).toEqual([1, 16]);
  expect(batch(3, [1, 2])).toEqual({ shape: [1, 4], positions: [1, 2, 0, 0], counts: [1, 1, 0, 0] });
});
