import { z } from "zod";
import { type MethodName, methods } from "./methods.ts";
import { parsePruningSettings, problems, PruningSettings } from "./settings.ts";

const { shape } = PruningSettings;
const names = ["disabled", ...Object.keys(methods)] as ["disabled", ...MethodName[]];
const withLayouts = <L extends string>(...layouts: L[]) =>
  names.slice(1).flatMap((name) => layouts.map((layout) => `${name}:${layout}` as const));
const respelled = (name: unknown) =>
  typeof name === "string" ? name.replace("sigmoied", "sigmoid").replace(/:default$/, "") : name;
const flag = z.preprocess((value) => (value === 0 || value === 1 ? value === 1 : value), z.boolean());
const size = z.int().positive();
const off = z.literal(false).optional().describe("what nn_pruning does besides, and we do not");
const unused = z.unknown().optional().describe("of no effect on pruning");

/**
 * The configuration of nn_pruning and of the original's `DebiaserPruned`, key by key. A key left out has the value that
 * the original's experiments start from, not nn_pruning's default; λ too, which the original leaves at 0 and does not use.
 */
export const NnPruningSettings = z.strictObject({
  attention_pruning_method: z
    .preprocess(respelled, z.enum([...names, ...withLayouts("joint", "1d")]))
    .default("sigmoid_threshold")
    .describe("joint: one score tensor for query, key, value and output; 1d: rows times columns"),
  attention_block_rows: size
    .default(32)
    .describe("rows of a block of query, key and value; columns of one of the output"),
  attention_block_cols: size
    .default(32)
    .describe("columns of a block of query, key and value; rows of one of the output"),
  attention_output_with_dense: flag.default(false).describe("prune the attention's output as the feed-forward network"),
  attention_lambda: shape.attentionLambda,
  dense_pruning_method: z
    .preprocess(respelled, z.enum([...names, ...withLayouts("1d_alt", "1d")]))
    .default("sigmoid_threshold:1d_alt")
    .describe("1d_alt: one score for each neuron, shared by both matrices; 1d: rows times columns"),
  dense_block_rows: size.default(1).describe("rows of a block of the feed-forward network"),
  dense_block_cols: size.default(1).describe("columns of a block of the feed-forward network"),
  dense_lambda: shape.denseLambda,
  bias_mask: flag.default(true).describe("close a bias with its row"),
  linear_min_parameters: shape.minElements,
  mask_scores_learning_rate: shape.scoresLearningRate,
  mask_init: shape.scoreInit,
  mask_scale: shape.initialScore,
  initial_threshold: shape.initialThreshold,
  final_threshold: shape.finalThreshold,
  initial_warmup: shape.initialWarmup,
  final_warmup: shape.finalWarmup,
  regularization: z
    .enum(["disabled", "l1", "l0"])
    .default("l1")
    .describe("l1: mean σ(S); l0: the chance that a hard concrete gate is not 0"),
  regularization_final_lambda: shape.finalLambda,
  share_pruning_scores: flag.default(false).describe("one score tensor for query, key and value of a layer"),
  prune_values_only: flag.default(false).describe("train the scores of values alone; queries and keys stay open"),
  prune_attention_only: flag.default(false).describe("do not train the feed-forward network's scores"),
  ampere_pruning_method: z.preprocess(respelled, shape.ampere),
  initial_ampere_temperature: shape.initialTemperature,
  final_ampere_temperature: shape.finalTemperature,
  layer_norm_patch: off,
  gelu_patch: off,
  qat: off,
  layer_norm_patch_steps: unused,
  layer_norm_patch_start_delta: unused,
  gelu_patch_steps: unused,
  distil_alpha_ce: unused,
  distil_alpha_teacher: unused,
  distil_temperature: unused,
});

/** Keys of the original as people write them. */
export type NnPruningKeys = z.input<typeof NnPruningSettings>;

/** What the original's keys do not say. */
export type OwnSettings = Pick<z.input<typeof PruningSettings>, "compat" | "lambdaSchedule" | "thresholdSchedule">;

type Name = MethodName | "disabled";

/**
 * Settings from the original's keys.
 *
 * @throws Error `pruning.KEY: expected …, got …`, also for methods that nn_pruning has and we do not
 */
export function fromNnPruning(keys: NnPruningKeys = {}, own: OwnSettings = {}): PruningSettings {
  const { data, error } = NnPruningSettings.safeParse(keys);
  if (data === undefined) throw new Error(problems(error.issues, keys));
  const [method, layout] = data.attention_pruning_method.split(":") as [Name, "joint" | "1d" | undefined];
  const [denseMethod, denseLayout] = data.dense_pruning_method.split(":") as [Name, "1d_alt" | "1d" | undefined];
  return parsePruningSettings({
    attention: {
      method,
      layout: layout ?? "blocks",
      block: [data.attention_block_rows, data.attention_block_cols],
    },
    dense: {
      method: denseMethod,
      layout: denseLayout ?? "blocks",
      block: [data.dense_block_rows, data.dense_block_cols],
    },
    attentionOutputWithDense: data.attention_output_with_dense,
    biasMask: data.bias_mask,
    minElements: data.linear_min_parameters,
    ampere: data.ampere_pruning_method,
    initialTemperature: data.initial_ampere_temperature,
    finalTemperature: data.final_ampere_temperature,
    scoreInit: data.mask_init,
    initialScore: data.mask_scale,
    scoresLearningRate: data.mask_scores_learning_rate,
    initialThreshold: data.initial_threshold,
    finalThreshold: data.final_threshold,
    initialWarmup: data.initial_warmup,
    finalWarmup: data.final_warmup,
    regularization: data.regularization === "disabled" ? "none" : data.regularization,
    finalLambda: data.regularization_final_lambda,
    attentionLambda: data.attention_lambda,
    denseLambda: data.dense_lambda,
    valuesOnly: data.prune_values_only,
    attentionOnly: data.prune_attention_only,
    shared: data.share_pruning_scores,
    ...own,
  });
}
