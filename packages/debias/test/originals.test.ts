import type { Embeddings } from "@pruning-bias/data";
import { expect, it } from "vitest";
import type { FinepruneOptions, OriginalStore } from "../src/index.ts";
import { finish, smallModel, smallSentences } from "./small.ts";

it("embeddings of the original model outlive a run, and the next one is the same to the bit", async () => {
  const kept = new Map<string, Embeddings>();
  let read = 0;
  const originals: OriginalStore = {
    async read(key) {
      if (kept.has(key)) read++;
      return kept.get(key);
    },
    write: async (key, embeddings) => void kept.set(key, embeddings),
  };
  const options: FinepruneOptions = {
    ...{ checkpoint: smallModel(), train: smallSentences(1), originals },
    validation: smallSentences(2, { targets: 9, male: 260, female: 260 }),
    ...{ batchSize: 8, microbatch: 65, epochs: 1, learningRate: 1e-3, validationsPerEpoch: 1 },
  };
  const validations = async (change: Partial<FinepruneOptions> = {}) => {
    const { events } = await finish({ ...options, ...change });
    return events.flatMap((event) => (event.kind === "validation" ? [event.lossKeep] : []));
  };
  const first = await validations();
  // Those of training are too few to be worth it.
  expect([...kept.values()].map(({ rows, width }) => [rows.length, width])).toEqual([[520, 2 * 16]]);
  expect(await validations()).toEqual(first);
  expect(read).toBe(1);
  (await validations({ originalCache: 0 })).forEach((loss, i) => expect(loss).toBeCloseTo(first[i]!, 5));
  expect(kept.size).toBe(1);
});
