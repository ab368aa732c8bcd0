import { families, type FamilyName, initWeights, parseConfig } from "@pruning-bias/model";
import { parsePruningSettings } from "@pruning-bias/pruning";
import { describe, expect, it } from "vitest";
import { debiasModes, embeddingLayers } from "../src/index.ts";
import { finish, smallSentences } from "./small.ts";

const sizes = { vocab_size: 40, hidden_size: 16, intermediate_size: 32, max_position_embeddings: 24 };
const distil = { vocab_size: 40, dim: 16, hidden_dim: 32, max_position_embeddings: 24, n_layers: 2, n_heads: 4 };
const classifier = (model_type: FamilyName) => {
  const own = model_type === "distilbert" ? distil : { ...sizes, num_hidden_layers: 2, num_attention_heads: 4 };
  const config = parseConfig({
    model_type,
    embedding_size: 8,
    ...own,
    ...(model_type === "bert" && { embedding_size: 16 }),
  });
  return { config, weights: initWeights(config, { seed: 1, std: 0.2, head: "classification", labels: 3 }) };
};

const names = Object.keys(families) as FamilyName[];
const optionsFor = (family: FamilyName) => ({
  ...{ checkpoint: classifier(family), train: smallSentences(1), validation: smallSentences(2) },
  ...{ batchSize: 8, microbatch: 8, epochs: 1, validationsPerEpoch: 1 },
});
const pruning = parsePruningSettings({ attention: { block: [4, 16] }, scoresLearningRate: 0.1 });

describe.each(names)("a %s classifier", (family) => {
  const options = optionsFor(family);
  const { checkpoint } = options;

  it("has its encoder debiased and its head kept", async () => {
    const { events, result } = await finish({ ...options, learningRate: 1e-2, epochs: 3 });
    const losses = events.flatMap((event) => (event.kind === "validation" ? [event.loss] : []));
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    // Softmax does not see a key's bias.
    const seen = Object.entries(result.weights).filter(([name]) => !name.endsWith("key.bias"));
    for (const [name, { data }] of seen) {
      const changed = !data.every((value, i) => value === checkpoint.weights[name]!.data[i]);
      expect(changed, name).toBe(/^(embeddings|embeddings_project|encoder)\b/.test(name));
    }
  });

  it("is pruned by heads and neurons, its weights frozen", async () => {
    const { events, result } = await finish({ ...options, pruning });
    expect(result.weights).toEqual(checkpoint.weights);
    expect(Object.keys(result.scores)).toHaveLength(family === "albert" ? 5 : 10);
    for (const [name, { data }] of Object.entries(result.scores)) expect(data.some(Boolean), name).toBe(true);
    // The layers of ALBERT share their heads.
    const step = events.find((event) => event.kind === "step");
    expect(step!.headsOpen).toEqual(family === "albert" ? [4] : [4, 4]);
  });
});

// Each layer in each mode once, each family twice.
const combinations = embeddingLayers
  .flatMap((embeddingLayer) => debiasModes.map((debiasMode) => ({ embeddingLayer, debiasMode })))
  .map((read, i) => ({ ...read, family: names[i % names.length]! }));

it.each(combinations)(
  "a $family is debiased by its $embeddingLayer layer in $debiasMode mode, scores and weights together",
  async ({ family, ...read }) => {
    const options = { ...optionsFor(family), ...read, pruning, freezeWeights: false, learningRate: 1e-2 };
    const { checkpoint } = options;
    const { events, result } = await finish({ ...options, epochs: 3, alpha: 1, beta: 0.1 });
    const current = events.flatMap((event) => (event.kind === "validation" ? [event.current] : []));
    expect(current[0]!.lossKeep).toBeCloseTo(0, 6);
    expect(current.at(-1)!.lossDebias).toBeLessThan(current[0]!.lossDebias);
    for (const [name, { data }] of Object.entries(result.scores)) expect(data.some(Boolean), name).toBe(true);
    const trained = Object.entries(result.weights).filter(([name]) => /^(embeddings|encoder)\b/.test(name));
    const changed = trained.filter(
      ([name, { data }]) => !data.every((value, i) => value === checkpoint.weights[name]!.data[i]),
    );
    expect(changed.length).toBeGreaterThan(0.8 * trained.length);
  },
);
