import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  batchPieces,
  byLength,
  corpusTexts,
  dealt,
  epochBatches,
  firstExamples,
  padBatch,
  sentencesOf,
  split,
  take,
  tokenizeGlue,
  wordPieceJson,
  writeDemo,
  writeEmbeddings,
} from "../src/index.ts";

const sentences = sentencesOf([
  [2, 5, 3],
  [2, 6, 7, 3],
]);
const rows = Int32Array.of(0, 1);
const sizes = { targets: 3, male: 3, female: 3 };
const examples = { first: ["a"], labels: Int32Array.of(0), idx: Int32Array.of(0) };

it.each<[string, () => unknown]>([
  [
    "batchPieces: most: expected at least 1, got 0",
    () => batchPieces(rows, [3, 4], { tokenBudget: 8, positions: 8, most: 0 }),
  ],
  [
    "batchPieces: tokenBudget: expected at least 1, got NaN",
    () => batchPieces(rows, [3, 4], { tokenBudget: NaN, positions: 8 }),
  ],
  ["byLength: expected rows below 1, got 1", () => byLength(rows, [3])],
  ["padBatch: expected rows below 2, got 0.5", () => padBatch(sentences, [0.5])],
  ["padBatch: expected at most NaN rows, got 1", () => padBatch(sentences, [0], { batchSize: NaN })],
  ["take: expected rows below 2, got 0.5", () => take(sentences, [0.5])],
  ["batch size 1.5", () => epochBatches(sizes, { batchSize: 1.5, seed: 1, epoch: 0 })],
  ["dealt: expected a list or more, got 0", () => dealt([1], 0, Number)],
  [
    "split: validationSize: expected a whole number of at least 0, got -1",
    () => split(sentences, { seed: 1, validationSize: -1, name: "male" }),
  ],
  [
    "mrpc: test: second: expected 1 examples, got 0",
    () => tokenizeGlue("mrpc", "test", { ...examples, second: [] }, {} as never),
  ],
  ["firstExamples: expected a count of at least 0, got -1", () => firstExamples({ length: 2 } as never, -1)],
  [
    "WordPiece vocabulary: expected a once, got it twice",
    () => wordPieceJson(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "a"]),
  ],
])("%s", (message, call) => expect(call).toThrow(message));

it("lines, embeddings and a demo that are none", async () => {
  const dir = await mkdtemp(join(tmpdir(), "refused-"));
  const path = join(dir, "embeddings.arrow");
  const short = { rows: Uint32Array.of(0, 1), values: new Float32Array(3), width: 2 };
  await expect(writeEmbeddings(path, short)).rejects.toThrow(
    `${path}: expected embeddings [2, 2] to write, got 3 numbers`,
  );
  await expect(corpusTexts({ corpus: path, cacheDir: dir }, [-1])).rejects.toThrow(
    `${path}: expected lines from 0, got -1`,
  );
  await expect(writeDemo(dir, { seed: 1, sentences: 0 })).rejects.toThrow("demo: sentences: expected a whole number");
  await expect(writeDemo(dir, { seed: 1, skew: 9 })).rejects.toThrow("demo: skew: expected a share from 0 to 1, got 9");
});
