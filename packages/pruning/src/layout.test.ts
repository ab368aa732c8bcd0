import { sizeOf } from "@pruning-bias/runtime";
import { describe, expect, test } from "vitest";
import { initialScores, type Layout, scoreLayout, trainedScores } from "./layout.ts";
import { fromNnPruning, type NnPruningKeys, type OwnSettings } from "./nn-pruning.ts";

const bertBase = { hidden_size: 768, intermediate_size: 3072, num_hidden_layers: 12, num_attention_heads: 12 };
const heads = { attention_block_rows: 64, attention_block_cols: 768 };
const layoutOf = (keys: NnPruningKeys, own?: OwnSettings) => scoreLayout(bertBase, fromNnPruning(keys, own));
const trainable = ({ scores }: Layout) =>
  scores.reduce((sum, { shape, trained }) => sum + (trained ? sizeOf(shape) : 0), 0);

describe("scores to train in bert-base", () => {
  test.each<[string, number, NnPruningKeys, OwnSettings?]>([
    ["32×32 blocks", 64_512, {}],
    ["whole heads", 37_440, heads],
    ["values only", 144, { ...heads, prune_values_only: true }],
    [
      "values only as in the original",
      288,
      { ...heads, prune_values_only: true, prune_attention_only: true },
      { compat: "reference" },
    ],
    ["attention only", 576, { ...heads, prune_attention_only: true }],
    ["attention only, shared", 288, { ...heads, prune_attention_only: true, share_pruning_scores: true }],
    ["shared", 37_152, { ...heads, share_pruning_scores: true }],
  ])("%s: %i", (_, count, keys, own) => {
    const layout = layoutOf(keys, own);
    expect(trainable(layout)).toBe(count);
    expect(layout.modules).toHaveLength(72);
  });
});

test("whole heads are rows of query, key and value, and columns of output", () => {
  const { modules } = layoutOf(heads);
  expect(modules.slice(0, 6).map(({ grid }) => grid)).toEqual([
    [12, 1],
    [12, 1],
    [12, 1],
    [1, 12],
    [3072, 1],
    [1, 3072],
  ]);
});

test("values only: queries and keys are open for good, the rest stays where it starts", () => {
  const layout = layoutOf({ ...heads, prune_values_only: true });
  const [query, key, value, output, neurons] = layout.scores;
  expect(query).toMatchObject({ initial: 420, trained: false, open: true });
  expect(key).toMatchObject({ initial: 420, trained: false, open: true });
  expect(value).toMatchObject({ initial: 0, trained: true });
  expect(output).toMatchObject({ initial: 0, trained: false, open: true });
  expect(neurons).toMatchObject({ initial: 0, trained: false, open: true });
  const scores = initialScores(layout);
  expect(scores[query!.name]!.data[0]).toBe(420);
  expect(Object.keys(trainedScores(layout, scores))).toHaveLength(12);
});

test("fixed scores that the schedule closes are not taken for open", () => {
  const { scores } = layoutOf({ ...heads, prune_attention_only: true, final_threshold: 0.5 });
  expect(scores[4]).toMatchObject({ group: "dense", trained: false, open: false });
});

test("shared scores are one tensor with three entries in the state dict", () => {
  const { modules, scores } = layoutOf({ ...heads, share_pruning_scores: true });
  const name = "encoder.layer.0.attention.self.query.mask_module.context_modules.0.mask_scores";
  expect(modules.slice(0, 3).map(({ scores }) => scores)).toEqual([name, name, name]);
  expect(new Set(modules.slice(0, 3).map(({ entry }) => entry)).size).toBe(3);
  expect(scores).toHaveLength(36);
});

test.each<[string, NnPruningKeys, string]>([
  [
    "rows that do not divide",
    { attention_block_rows: 48, attention_block_cols: 768 * 2 },
    "pruning.attention_block_cols: 1536 does not divide 768 columns of encoder.layer.0.attention.self.query (768×768)",
  ],
  [
    "columns that do not divide",
    { attention_block_rows: 100 },
    "pruning.attention_block_rows: 100 does not divide 768 rows of encoder.layer.0.attention.self.query (768×768)",
  ],
  [
    "blocks of the feed-forward network",
    { dense_pruning_method: "sigmoid_threshold", dense_block_rows: 5 },
    "pruning.dense_block_rows: 5 does not divide 3072 rows of encoder.layer.0.intermediate.dense (3072×768)",
  ],
  [
    "neurons in oblong blocks",
    { dense_block_rows: 2, dense_block_cols: 4 },
    "pruning.dense_block_rows: expected the 4 of dense_block_cols for 1d_alt, got 2",
  ],
  [
    "nothing left to train",
    { attention_pruning_method: "disabled", prune_attention_only: true },
    "pruning: expected scores to train, got settings that fix all of them",
  ],
  [
    "too many scores to rank",
    { attention_pruning_method: "topK", attention_block_rows: 1, attention_block_cols: 1 },
    "pruning: topK takes at most 16384 scores a tensor, got 589824 in encoder.layer.0.attention.self.query.mask_module.context_modules.0.mask_scores: use larger blocks",
  ],
])("%s are refused in one line", (_, keys, message) => {
  expect(() => layoutOf(keys)).toThrow(message);
});

test("layers that share their weights, as in ALBERT, are pruned once", () => {
  const { modules } = scoreLayout({ ...bertBase, num_hidden_groups: 1 }, fromNnPruning(heads));
  expect(modules).toHaveLength(6);
});
