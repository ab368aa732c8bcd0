import { generator } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { evaluationBatches, trainingBatches } from "./batches.ts";
import { glueBatch } from "./examples.ts";

const lengths = Array.from({ length: 1003 }, (_, n) => 3 + ((n * n) % 120));
const sorted = (batches: Int32Array[]) => batches.flatMap((batch) => [...batch]).sort((a, b) => a - b);
const all = lengths.map((_, row) => row);

describe("trainingBatches", () => {
  it("hold each row once, one batch short of rows, of like length, in another order each epoch", () => {
    const random = generator(1);
    const [first, second] = [trainingBatches(lengths, 10, random), trainingBatches(lengths, 10, random)];
    expect(sorted(first!)).toEqual(all);
    expect(sorted(second!)).toEqual(all);
    expect(second).not.toEqual(first);
    expect(first!.map(({ length }) => length).sort((a, b) => a - b)).toEqual([3, ...Array<number>(100).fill(10)]);
    const spread = first!.map((rows) => Math.max(...rows.values().map((row) => lengths[row]!)) - lengths[rows[0]!]!);
    // The three rows of the last stretch stand together whatever their length.
    expect(spread.filter((tokens) => tokens > 16).length).toBeLessThanOrEqual(1);
    expect(trainingBatches(lengths, 10, generator(1))).toEqual(first);
  });
});

describe("evaluationBatches", () => {
  it("hold each row once, by length", () => {
    const batches = evaluationBatches(lengths, 64);
    expect(sorted(batches)).toEqual(all);
    expect(batches).toHaveLength(16);
  });
});

describe("glueBatch", () => {
  it("pads to a bucket and fills with rows of weight 0", () => {
    const encoded = {
      inputIds: [
        [1, 5, 2],
        [1, 6, 7, 2, 8, 2],
      ],
      tokenTypeIds: [
        [0, 0, 0],
        [0, 0, 0, 0, 1, 1],
      ],
      labels: Int32Array.of(1, 0),
    };
    const batch = glueBatch(encoded, [1, 0], { batchSize: 3, pad: 9, positions: 64 });
    expect(batch.inputIds.shape).toEqual([3, 8]);
    expect([...batch.inputIds.data]).toEqual([
      1,
      6,
      7,
      2,
      8,
      2,
      9,
      9,
      1,
      5,
      2,
      9,
      9,
      9,
      9,
      9,
      ...Array<number>(8).fill(9),
    ]);
    expect([...batch.attentionMask.data]).toEqual([
      1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expect([...batch.tokenTypeIds.data.subarray(0, 8)]).toEqual([0, 0, 0, 0, 1, 1, 0, 0]);
    expect([...batch.labels.data]).toEqual([0, 1, 0]);
    expect([...batch.rowWeights.data]).toEqual([1, 1, 0]);
  });

  it("never pads beyond the model's positions", () => {
    const encoded = {
      inputIds: [Array<number>(9).fill(1)],
      tokenTypeIds: [Array<number>(9).fill(0)],
      labels: Float64Array.of(2.5),
    };
    const batch = glueBatch(encoded, [0], { batchSize: 1, pad: 0, positions: 12 });
    expect(batch.inputIds.shape).toEqual([1, 12]);
    expect(batch.labels.dtype).toBe("float32");
  });
});
