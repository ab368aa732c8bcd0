import { expect, test } from "vitest";
import { fromNnPruning, type NnPruningKeys } from "./nn-pruning.ts";
import { parsePruningSettings } from "./settings.ts";

test("defaults are the original's experiments in 32×32 blocks", () => {
  expect(fromNnPruning()).toEqual(parsePruningSettings());
  expect(parsePruningSettings()).toMatchObject({
    attention: { method: "sigmoid_threshold", block: [32, 32] },
    dense: { method: "sigmoid_threshold", layout: "1d_alt", block: [1, 1] },
    finalThreshold: 0.1,
    regularization: "l1",
    attentionOutputWithDense: false,
  });
});

test("the original's configuration file is taken as it is", () => {
  const settings = fromNnPruning({
    distil_alpha_ce: 0.1,
    distil_alpha_teacher: 0.9,
    mask_scores_learning_rate: 0.01,
    initial_warmup: 1,
    final_warmup: 10,
    initial_threshold: 0,
    final_threshold: 0.1,
    dense_pruning_method: "sigmoied_threshold:1d_alt",
    dense_block_rows: 1,
    dense_block_cols: 1,
    attention_pruning_method: "sigmoied_threshold",
    attention_block_rows: 64,
    attention_block_cols: 768,
    attention_lambda: 1.0,
    mask_init: "constant",
    mask_scale: 0.0,
    regularization: "l1",
    attention_output_with_dense: 0,
    layer_norm_patch_steps: 50000,
    gelu_patch_steps: 50000,
    linear_min_parameters: 0,
  } as NnPruningKeys);
  expect(settings).toEqual(parsePruningSettings({ attention: { block: [64, 768] } }));
});

test("both spellings of sigmoid are one method", () => {
  const parse = (method: string) => parsePruningSettings({ attention: { method } } as never);
  expect(parse("sigmoied_threshold")).toEqual(parse("sigmoid_threshold"));
});

test.each<[string, Record<string, unknown>, RegExp]>([
  [
    "a method of nn_pruning that is not offered",
    { attention_pruning_method: "l2" },
    /^pruning\.attention_pruning_method: expected one of "disabled"\|"sigmoid_threshold"\|.*, got "l2"$/,
  ],
  [
    "a layout that is not offered",
    { dense_pruning_method: "sigmoied_threshold:joint" },
    /^pruning\.dense_pruning_method: expected one of .*, got "sigmoied_threshold:joint"$/,
  ],
  [
    "a 2:4 method that the original has in name only",
    { ampere_pruning_method: "topK" },
    /^pruning\.ampere_pruning_method: .*"disabled".*, got "topK"$/,
  ],
  ["an unknown key", { final_treshold: 0.1 }, /^pruning\.final_treshold: expected a known setting, got this one$/],
  [
    "a threshold out of range",
    { final_threshold: 1.5 },
    /^pruning\.final_threshold: expected 0 to 1 for sigmoid_threshold, got 1\.5$/,
  ],
  ["a block of no rows", { attention_block_rows: 0 }, /^pruning\.attention_block_rows: .*, got 0$/],
  ["a share above 1", { linear_min_parameters: 2 }, /^pruning\.linear_min_parameters: .*, got 2$/],
  [
    "nothing to prune",
    { attention_pruning_method: "disabled", dense_pruning_method: "disabled" },
    /^pruning\.attention_pruning_method: expected a method here or for dense, got disabled for both$/,
  ],
  [
    "shared scores with values only",
    { share_pruning_scores: true, prune_values_only: true },
    /^pruning\.share_pruning_scores: expected one of shared scores and prune_values_only, got both$/,
  ],
  [
    "magnitude by rows times columns",
    { dense_pruning_method: "magnitude:1d" },
    /^pruning\.dense_pruning_method: expected blocks or neurons for magnitude, got 1d$/,
  ],
  [
    "joint scores of which only values train",
    { attention_pruning_method: "topK:joint", prune_values_only: true },
    /^pruning\.attention_pruning_method: expected no joint scores with prune_values_only, got both$/,
  ],
])("%s is refused in one line", (_, keys, message) => {
  expect(() => fromNnPruning(keys)).toThrow(message);
});

test("a threshold may be any number for the method `threshold`, if that is all there is", () => {
  const keys = { attention_pruning_method: "threshold", dense_pruning_method: "disabled", final_threshold: 3 } as const;
  expect(fromNnPruning(keys).finalThreshold).toBe(3);
});
