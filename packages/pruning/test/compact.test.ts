import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BertConfig,
  type Checkpoint,
  encode,
  initWeights,
  loadCheckpoint,
  parseConfig,
  saveCheckpoint,
} from "@pruning-bias/model";
import {
  encodeMasked,
  fromNnPruning,
  hostMasks,
  initialScores,
  type NnPruningKeys,
  type Pruned,
  prunedCheckpoint,
  scoreLayout,
} from "@pruning-bias/pruning";
import { eager, generator, type Jit, jit, ndarray, type NDArray, type tf } from "@pruning-bias/runtime";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { difference } from "./fixtures.ts";

const sizes = { vocab_size: 11, max_position_embeddings: 12, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
const tiny = { hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 12 };
const families: Record<string, BertConfig> = {
  bert: parseConfig({ model_type: "bert", ...sizes, ...tiny }),
  roberta: parseConfig({ model_type: "roberta", ...sizes, ...tiny }),
  electra: parseConfig({ model_type: "electra", ...sizes, ...tiny, embedding_size: 4 }),
  albert: parseConfig({ model_type: "albert", ...sizes, ...tiny, embedding_size: 4 }),
  distilbert: parseConfig({
    ...{ model_type: "distilbert", vocab_size: 11, max_position_embeddings: 12, dropout: 0, attention_dropout: 0 },
    ...{ dim: 8, n_layers: 2, n_heads: 2, hidden_dim: 12 },
  }),
};
const layouts: Record<string, NnPruningKeys> = {
  "whole heads": { attention_block_rows: 4, attention_block_cols: 8 },
  "rows of heads": { attention_block_rows: 1, attention_block_cols: 8 },
  blocks: { attention_block_rows: 4, attention_block_cols: 4 },
  "whole heads and blocks of neurons, biases open": {
    ...{ attention_block_rows: 4, attention_block_cols: 8, bias_mask: false },
    ...{ dense_pruning_method: "sigmoid_threshold", dense_block_rows: 4, dense_block_cols: 4 },
  },
  l0: {
    ...{ attention_block_rows: 4, attention_block_cols: 8 },
    ...{ attention_pruning_method: "l0", dense_pruning_method: "l0:1d_alt" },
  },
  magnitude: {
    ...{ attention_block_rows: 4, attention_block_cols: 8, initial_threshold: 0.5, final_threshold: 0.5 },
    ...{ attention_pruning_method: "magnitude", dense_pruning_method: "magnitude:1d_alt" },
  },
  "2:4": { attention_block_rows: 4, attention_block_cols: 8, ampere_pruning_method: "sigmoid_threshold" },
};
const batch = {
  inputIds: ndarray(Int32Array.of(2, 5, 7, 3, 2, 9, 3, 1), [2, 4]),
  attentionMask: ndarray(Int32Array.of(1, 1, 1, 1, 1, 1, 1, 0), [2, 4]),
};
const real = [0, 1, 2, 3, 4, 5, 6];

/** A model of random weights and biases, scores of which a share is closed in each module, and what makes masks of them. */
function problem(family: string, keys: NnPruningKeys, seed: number): { checkpoint: Checkpoint; pruned: Pruned } {
  const config = families[family]!;
  const { normal, uniform, int } = generator(seed);
  const weights = initWeights(config, { seed, std: 0.5 });
  for (const [name, { data }] of Object.entries(weights)) {
    if (name.endsWith(".bias")) for (const i of data.keys()) data[i] = 0.3 * normal();
  }
  const settings = fromNnPruning(keys);
  const layout = scoreLayout(config, settings);
  const scores = initialScores(layout);
  for (const { name } of layout.scores) {
    const share = [0, 0.5, 0.5, 1][int(4)]!;
    const values = scores[name]?.data;
    for (const i of values?.keys() ?? []) values![i] = uniform() < share ? -5 + 0.1 * normal() : normal();
  }
  return { checkpoint: { config, weights }, pruned: { layout, scores, threshold: settings.finalThreshold } };
}

async function states(compile: Jit, { config, weights }: Checkpoint, pruned?: Pruned): Promise<NDArray> {
  type Inputs = {
    weights: Record<string, tf.Tensor>;
    scores: Record<string, tf.Tensor>;
    threshold: tf.Scalar;
    batch: { inputIds: tf.Tensor2D; attentionMask: tf.Tensor2D };
  };
  const run = compile(({ batch, ...masked }: Inputs) => ({
    last: (pruned ? encodeMasked(config, pruned.layout, masked, batch) : encode(config, masked.weights, batch)).at(-1)!,
  }));
  const { last } = await run({ weights, scores: pruned?.scores ?? {}, threshold: pruned?.threshold ?? 0, batch });
  await run.dispose();
  const width = config.hidden_size;
  return ndarray(
    Float32Array.from(real.flatMap((token) => Array.from(last.data.slice(token * width, (token + 1) * width)))),
  );
}

describe.each(Object.keys(families))("a pruned %s", (family) => {
  test.each(Object.keys(layouts))("%s: dense and compact compute what the masked model does", async (layout) => {
    const same = async (seed: number) => {
      const { checkpoint, pruned } = problem(family, layouts[layout]!, seed);
      const masked = await states(eager, checkpoint, pruned);
      for (const form of ["dense", "compact"] as const) {
        const { checkpoint: made, report } = await prunedCheckpoint(checkpoint, pruned, form);
        expect(difference((await states(eager, made)).data, masked.data), `${form} of seed ${seed}`).toBeLessThan(1e-5);
        expect(report.parameters.after).toBeLessThanOrEqual(report.parameters.before);
      }
    };
    await fc.assert(fc.asyncProperty(fc.nat(10_000), same), { numRuns: 6, seed: 1 });
  });
});

test("a compact model runs compiled, and is saved and loaded", async () => {
  const folder = await mkdtemp(join(tmpdir(), "compact-"));
  try {
    for (const seed of [1, 2, 3]) {
      const { checkpoint, pruned } = problem("bert", layouts["whole heads"]!, seed);
      const { checkpoint: compact } = await prunedCheckpoint(checkpoint, pruned, "compact");
      await saveCheckpoint(folder, compact);
      const loaded = await loadCheckpoint(folder);
      expect(loaded.config.compact_layers).toEqual(compact.config.compact_layers);
      const masked = await states(jit, checkpoint, pruned);
      expect(difference((await states(jit, loaded)).data, masked.data)).toBeLessThan(1e-5);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe("by hand", () => {
  const heads = fromNnPruning({ attention_block_rows: 4, attention_block_cols: 8, dense_pruning_method: "disabled" });
  const closing = async (...closed: readonly [module: string, head: number][]) => {
    const { checkpoint } = problem("bert", layouts["whole heads"]!, 1);
    const layout = scoreLayout(checkpoint.config, heads);
    const scores = initialScores(layout);
    for (const [module, head] of closed) {
      scores[`encoder.layer.0.attention.${module}.mask_module.context_modules.0.mask_scores`]!.data[head] = -5;
    }
    const pruned = { layout, scores, threshold: 0.1 };
    return { ...(await prunedCheckpoint(checkpoint, pruned, "compact")), masks: hostMasks(layout, scores, 0.1) };
  };

  test("a head with dead values or outputs is gone", async () => {
    for (const module of ["self.value", "output.dense"]) {
      const { report, checkpoint } = await closing([module, 1]);
      expect(report.layers![0]).toMatchObject({ removedHeads: [1], keptHeads: [0], uniformHeads: [], querySize: 4 });
      expect(checkpoint.weights["encoder.layer.0.attention.self.query.weight"]!.shape).toEqual([4, 8]);
      expect(checkpoint.weights["encoder.layer.0.attention.output.dense.weight"]!.shape).toEqual([8, 4]);
      expect(report.reference.heads[0]).toEqual(module === "self.value" ? [1] : []);
    }
  });

  test("a head with dead queries or keys attends to all alike; the original drops it", async () => {
    for (const module of ["self.query", "self.key"]) {
      const { report, checkpoint } = await closing([module, 0]);
      expect(report.layers![0]).toMatchObject({ removedHeads: [], keptHeads: [1], uniformHeads: [0], uniformSize: 4 });
      expect(checkpoint.weights["encoder.layer.0.attention.uniform.value.weight"]!.shape).toEqual([4, 8]);
      expect(checkpoint.weights["encoder.layer.0.attention.uniform.output.weight"]!.shape).toEqual([8, 4]);
      expect(report.reference).toEqual({ removed: 1, heads: [[0], []] });
    }
  });

  test("a layer may lose all heads; the original keeps the first", async () => {
    const { report, checkpoint } = await closing(["self.value", 0], ["self.value", 1]);
    expect(report.layers![0]).toMatchObject({ removedHeads: [0, 1], keptHeads: [] });
    expect(checkpoint.weights["encoder.layer.0.attention.self.query.weight"]).toBeUndefined();
    expect(report.reference.removed).toBe(1);
  });

  test("a compact model is not pruned or compacted again", async () => {
    const { checkpoint } = await closing(["self.value", 1]);
    expect(() => scoreLayout(checkpoint.config, heads)).toThrow("got one that is compact");
  });
});
