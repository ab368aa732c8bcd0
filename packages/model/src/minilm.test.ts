import { describeData } from "@pruning-bias/oracle";
import { eager, jit, ndarray } from "@pruning-bias/runtime";
import { expect, it } from "vitest";
import { loadCheckpoint } from "./checkpoint.ts";
import { type Batch, encode } from "./encoder.ts";
import type { Weights } from "./weights.ts";

describeData("a real model", "hub/sentence-transformers/all-MiniLM-L6-v2", (folder) => {
  it("loads without prefix or head, and computes the same eagerly and compiled", async () => {
    const { config, weights } = await loadCheckpoint(folder);
    expect(Object.keys(weights)).toHaveLength(5 + 6 * 16 + 2); // no position_ids
    const forward = ({ weights, batch }: { weights: Weights; batch: Batch }) => encode(config, weights, batch).at(-1)!;
    const inputIds = ndarray(Int32Array.of(101, 7592, 2088, 102), [1, 4]);
    const inputs = { weights, batch: { inputIds, attentionMask: ndarray(Int32Array.of(1, 1, 1, 1), [1, 4]) } };
    const [one, other] = [await eager(forward)(inputs), await jit(forward)(inputs)];
    expect(one.shape).toStrictEqual([1, 4, 384]);
    const worst = Math.max(...Array.from(one.data, (value, index) => Math.abs(value - other.data[index]!)));
    expect(worst).toBeLessThan(1e-5);
  });
});
