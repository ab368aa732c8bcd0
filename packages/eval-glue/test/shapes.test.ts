import { families, type FamilyName, initWeights, parseConfig } from "@pruning-bias/model";
import { initialScores, parsePruningSettings, scoreLayout } from "@pruning-bias/pruning";
import { expect, it } from "vitest";
import { countingJit } from "../../runtime/test/counting.ts";
import { finepruneClassifier, finetune } from "../src/index.ts";
import { toyModel, toySplit } from "./toy.ts";

const { jit, traces } = countingJit();
const data = { train: toySplit(), validation: [toySplit({ split: "validation" })] };
const settings = { ...data, batchSize: 16, epochs: 2, tokenBudget: 60, jit };
const pruning = parsePruningSettings({ attention: { block: [4, 4] } });

async function tracesOf(run: AsyncIterable<unknown> | AsyncGenerator<unknown, unknown>): Promise<number> {
  traces.count = 0;
  for await (const _ of run);
  return traces.count;
}

/** Gradients, gradients that are added where a half has several packs, four times each; predictions, three times. */
const EACH = 11;

it.each(Object.keys(families) as FamilyName[])("%s is traced for all shapes of pieces at once", async (model_type) => {
  const config = parseConfig({
    ...{ model_type, vocab_size: 30, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4 },
    ...{ intermediate_size: 24, max_position_embeddings: 24, pad_token_id: 0 },
  });
  const checkpoint = { config, weights: initWeights(config, { seed: 5, std: 0.15 }) };
  expect(await tracesOf(finetune({ ...settings, checkpoint }))).toBe(EACH);
});

it("a pruned encoder and a frozen one are as well", async () => {
  const checkpoint = toyModel();
  const layout = scoreLayout(checkpoint.config, pruning);
  const pruned = { layout, scores: initialScores(layout, 1), threshold: 0.1 };
  expect(await tracesOf(finetune({ ...settings, checkpoint, pruned }))).toBe(EACH);
  expect(await tracesOf(finetune({ ...settings, checkpoint, freezeEncoder: true }))).toBeLessThanOrEqual(EACH + 3);
  expect(await tracesOf(finepruneClassifier({ ...settings, checkpoint, pruning }))).toBe(EACH);
});
