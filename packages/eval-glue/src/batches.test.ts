import { describe, expect, it } from "vitest";
import { epochBatches } from "./batches.ts";
import { featureExamples, tokenExamples, type TokenPart } from "./examples.ts";

const lengths = Array.from({ length: 1003 }, (_, n) => 3 + ((n * n) % 120));
const sorted = (batches: readonly Int32Array[]) => batches.flatMap((batch) => [...batch]).sort((a, b) => a - b);
const all = lengths.map((_, row) => row);
const options = { batchSize: 10, seed: 1, epoch: 1 };

describe("the batches of an epoch", () => {
  it.each(["random", "length"] as const)("hold each row once and follow from seed and epoch: %s", (order) => {
    const first = epochBatches(lengths, { ...options, order });
    expect(sorted(first)).toEqual(all);
    expect(first.map(({ length }) => length).sort((a, b) => a - b)).toEqual([3, ...Array<number>(100).fill(10)]);
    expect(epochBatches(lengths, { ...options, order })).toEqual(first);
    for (const other of [{ epoch: 2 }, { seed: 2 }]) {
      const batches = epochBatches(lengths, { ...options, order, ...other });
      expect(sorted(batches)).toEqual(all);
      expect(batches).not.toEqual(first);
    }
  });

  it("are of like length where that is asked for", () => {
    const batches = epochBatches(lengths, { ...options, order: "length" });
    const spread = batches.map((rows) => Math.max(...rows.values().map((row) => lengths[row]!)) - lengths[rows[0]!]!);
    // The three rows of the last stretch stand together whatever their length.
    expect(spread.filter((tokens) => tokens > 16).length).toBeLessThanOrEqual(1);
  });
});

describe("a piece", () => {
  const source = {
    ...({ task: "sst2", split: "train", length: 2, idx: Int32Array.of(0, 1) } as const),
    offsets: Int32Array.of(0, 3, 9),
    inputIds: Uint16Array.of(1, 5, 2, 1, 6, 7, 2, 8, 2),
    tokenTypeIds: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 1),
    labels: Int32Array.of(1, -1),
  };

  it("is padded and filled with rows of weight 0; labels that are held back are 0", () => {
    const { batch, lengths: own } = tokenExamples(source, 9);
    expect([...own]).toEqual([3, 6]);
    const { parts, labels, rowWeights } = batch([{ rows: Int32Array.of(1, 0), size: 3, width: 8 }]);
    const [{ inputIds, attentionMask, tokenTypeIds }] = parts as [TokenPart];
    expect(inputIds.shape).toEqual([3, 8]);
    const filler = Array<number>(8).fill(9);
    expect([...inputIds.data]).toEqual([1, 6, 7, 2, 8, 2, 9, 9, 1, 5, 2, 9, 9, 9, 9, 9, ...filler]);
    expect([...attentionMask.data]).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect([...tokenTypeIds.data.subarray(0, 8)]).toEqual([0, 0, 0, 0, 1, 1, 0, 0]);
    expect([...labels.data]).toEqual([0, 1, 0]);
    expect([...rowWeights.data]).toEqual([1, 1, 0]);
  });

  it("may stand among others, one after the other", () => {
    const { parts, labels, rowWeights } = tokenExamples(source, 9).batch([
      { rows: Int32Array.of(1), size: 1, width: 6 },
      { rows: Int32Array.of(0), size: 2, width: 3 },
    ]);
    expect(parts.map(({ inputIds }) => [...inputIds.data])).toEqual([
      [1, 6, 7, 2, 8, 2],
      [1, 5, 2, 9, 9, 9],
    ]);
    expect([...labels.data]).toEqual([0, 1, 0]);
    expect([...rowWeights.data]).toEqual([1, 1, 0]);
  });

  it("may be made of features, and has scores as floats", () => {
    const scored = { ...source, task: "stsb" as const, labels: Float64Array.of(2.5, 0) };
    const { batch, lengths: own } = featureExamples(scored, Float32Array.of(1, 2, 3, 4));
    expect([...own]).toEqual([1, 1]);
    const { features, labels } = batch([{ rows: Int32Array.of(1), size: 2, width: 1 }]);
    expect(features.shape).toEqual([2, 1, 2]);
    expect([...features.data]).toEqual([3, 4, 0, 0]);
    expect(labels.dtype).toBe("float32");
  });
});
