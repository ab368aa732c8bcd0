import { sentencesOf } from "@pruning-bias/data";
import { expect, it } from "vitest";
import type { FinepruneOptions } from "../src/index.ts";
import { finish, smallModel, smallSentences } from "./small.ts";

const train = smallSentences(1);
const options: FinepruneOptions = { checkpoint: smallModel(), train };
const without = { ...train, male: sentencesOf([]) };

it.each<[string, Partial<FinepruneOptions>]>([
  ["batchSize: expected a whole number above 0, got 0", { batchSize: 0 }],
  ["epochs: expected a whole number of at least 0, got 1.5", { epochs: 1.5 }],
  ["alpha: expected a number of at least 0, got NaN", { alpha: NaN }],
  ["learningRate: expected a number of at least 0, got -1", { learningRate: -1 }],
  ["seed: expected a whole number, got NaN", { seed: NaN }],
  ["train: expected sentences of each class, got no male", { train: without }],
  [
    "validation: expected target and attribute sentences, got 14 and 0",
    { validation: { ...without, female: without.male } },
  ],
])("fine-pruning refuses %s", async (message, change) => {
  await expect(finish({ ...options, ...change })).rejects.toThrow(`fineprune: ${message}`);
});
