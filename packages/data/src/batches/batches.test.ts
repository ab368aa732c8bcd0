import { expect, test } from "vitest";
import { sentencesBuilder } from "../corpus/builder.ts";
import { epochBatches } from "./epoch.ts";
import { bucket, paddedWidth, padBatch } from "./pad.ts";

const builder = sentencesBuilder(100);
builder.add(0, [2, 50, 3], [0, 1, 0]);
builder.add(1, [2, 60, 61, 62, 3], [0, 2, 0, 1, 0]);
const sentences = builder.build();

test("a batch is padded to the bucket of its longest sentence", () => {
  const batch = padBatch(sentences, [1, 0], { pad: 9 });
  expect(batch.shape).toEqual([2, 8]);
  expect([...batch.inputIds]).toEqual([2, 60, 61, 62, 3, 9, 9, 9, 2, 50, 3, 9, 9, 9, 9, 9]);
  expect([...batch.attentionMask]).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
  expect([...batch.keywordMask]).toEqual([0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  expect([...batch.rowWeights]).toEqual([1, 1]);
  expect(batch.tokens).toBe(8);
});

test("rows beyond the sentences are fillers of weight 0 that attend to one token", () => {
  const batch = padBatch(sentences, [0], { batchSize: 2, width: 4 });
  expect([...batch.attentionMask]).toEqual([1, 1, 1, 0, 1, 0, 0, 0]);
  expect([...batch.keywordMask]).toEqual([0, 1, 0, 0, 1, 0, 0, 0]);
  expect([...batch.rowWeights]).toEqual([1, 0]);
  expect(batch.tokens).toBe(3);
});

test("what does not fit is refused", () => {
  expect(() => padBatch(sentences, [0, 1], { batchSize: 1 })).toThrow("padBatch: expected at most 1 rows, got 2");
  expect(() => padBatch(sentences, [1], { width: 4 })).toThrow(
    "padBatch: expected sentences of at most 4 tokens, got 5",
  );
  expect(() => padBatch(sentences, [2])).toThrow("padBatch: expected rows below 2, got 2");
});

test("buckets", () => {
  expect([0, 1, 8, 9, 33, 128, 129, 192, 193].map(bucket)).toEqual([8, 8, 8, 16, 48, 128, 192, 192, 256]);
});

test("a batch is as wide as a bucket, within the positions that the model has", () => {
  expect([paddedWidth(33, 512), paddedWidth(33, 40), paddedWidth(50, 40)]).toEqual([48, 40, 50]);
});

const counts = { targets: 25, male: 30, female: 13 };
const options = { batchSize: 4, seed: 3, epoch: 0 };

test("an epoch draws as many male as female sentences, each once, and all targets", () => {
  const { targets, attributes } = epochBatches(counts, options);
  expect([targets.length, attributes.length]).toEqual([7, 7]);
  expect(sorted(targets)).toEqual(range(25));
  const rows = sorted(attributes);
  expect(rows.filter((row) => row < 30)).toHaveLength(13);
  expect(rows.filter((row) => row >= 30)).toEqual(range(13).map((row) => 30 + row));
  expect(new Set(rows).size).toBe(26);
});

test("the shorter stream starts again in another order", () => {
  const { targets, attributes } = epochBatches({ targets: 6, male: 13, female: 30 }, options);
  expect(attributes.map((rows) => rows.length)).toEqual([4, 4, 4, 4, 4, 4, 2]);
  expect(targets.map((rows) => rows.length)).toEqual([4, 2, 4, 2, 4, 2, 4]);
  for (const at of [0, 2, 4]) expect(sorted(targets.slice(at, at + 2))).toEqual(range(6));
  expect(targets.slice(0, 2)).not.toEqual(targets.slice(2, 4));
});

test("seed and epoch decide the batches", () => {
  expect(epochBatches(counts, options)).toEqual(epochBatches(counts, options));
  expect(epochBatches(counts, { ...options, epoch: 1 })).not.toEqual(epochBatches(counts, options));
  expect(epochBatches(counts, { ...options, seed: 4 })).not.toEqual(epochBatches(counts, options));
});

test("a class without sentences is refused", () => {
  expect(() => epochBatches({ targets: 1, male: 0, female: 2 }, options)).toThrow(
    "epochBatches: expected sentences of each class and a positive batch size, got targets 1, male 0, female 2, batch size 4",
  );
});

const range = (length: number) => Array.from({ length }, (_, i) => i);
const sorted = (batches: Int32Array[]) => batches.flatMap((rows) => [...rows]).sort((a, b) => a - b);
