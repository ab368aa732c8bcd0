import { parsePruningSettings } from "@pruning-bias/pruning";
import { expect, it } from "vitest";
import { countingJit } from "../../runtime/test/counting.ts";
import { finish, smallModel, smallSentences } from "./small.ts";

const { jit, traces } = countingJit();
const pruning = parsePruningSettings({ attention: { block: [4, 8] }, scoresLearningRate: 0.3 });
const sentences = { train: smallSentences(1), validation: smallSentences(2) };

/** Three sizes each of static attributes, the original's embeddings in training and validation, losses, and gradients. */
const EACH = 3 * (1 + 1 + 2 + 2);

it.each([
  { debiasMode: "token", embeddingLayer: "all" },
  { debiasMode: "sentence", embeddingLayer: "last" },
  { debiasMode: "token", embeddingLayer: "first" },
  { debiasMode: "sentence", embeddingLayer: "CLS" },
  { debiasMode: "sentence", compat: "reference" },
] as const)("$debiasMode mode is traced for all shapes of micro-batches at once: %o", async (options) => {
  traces.count = 0;
  const { events } = await finish({
    ...{
      checkpoint: smallModel({ num_hidden_layers: 2, max_position_embeddings: 128 }),
      ...sentences,
      ...options,
      pruning,
    },
    ...{ jit, tokenBudget: 40, batchSize: 8, epochs: 2 },
  });
  expect(events.length).toBeGreaterThan(4);
  // Dropout in the original, and the regulariser, which knows no micro-batches.
  expect(traces.count).toBe(EACH + ("compat" in options ? 3 : 0) + 1);
});
