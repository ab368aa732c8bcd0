import { printable, shown } from "@pruning-bias/files";
import { z } from "zod";
import { isPruningMethod } from "./define-method.ts";
import { type MethodName, methodOf, methods, nameOf, type PruningMethod } from "./methods.ts";
import { ownCurves } from "./schedule.ts";

const flag = z.boolean().default(false);
const positive = z.number().positive();
const notNegative = z.number().nonnegative();
const size = z.int().positive();
const names: readonly unknown[] = ["disabled", ...Object.keys(methods)];

const Method = z
  .preprocess(
    (name) => (name === "sigmoied_threshold" ? "sigmoid_threshold" : name),
    z.custom<MethodName | "disabled" | PruningMethod>((method) => names.includes(method) || isPruningMethod(method), {
      error: `expected one of ${names.map((name) => JSON.stringify(name)).join("|")} or what definePruningMethod makes`,
    }),
  )
  .default("sigmoid_threshold")
  .describe("how scores become masks; `sigmoied_threshold` is the original's spelling");
const Init = z.enum(["constant", "uniform", "kaiming"]);
const Block = z.tuple([size, size]).describe("rows × columns of the weight (out × in) under one score");

/** What is pruned, by which scores, and how hard. The names of nn_pruning map onto it by `fromNnPruning`. */
export const PruningSettings = z.strictObject({
  attention: z
    .strictObject({
      method: Method,
      layout: z
        .enum(["blocks", "joint", "1d"])
        .default("blocks")
        .describe("joint: one score tensor for query, key, value and output; 1d: rows times columns"),
      block: Block.default([32, 32]),
    })
    .prefault({})
    .describe("query, key, value, and output with rows and columns of the block swapped"),
  dense: z
    .strictObject({
      method: Method,
      layout: z
        .enum(["1d_alt", "1d", "blocks"])
        .default("1d_alt")
        .describe("1d_alt: one score for each neuron, shared by both matrices; 1d: rows times columns"),
      block: Block.default([1, 1]),
    })
    .prefault({})
    .describe("the feed-forward network"),
  ampere: z
    .enum(["disabled", "sigmoid_threshold", "annealing"])
    .default("disabled")
    .describe("2:4 sparsity times every mask: the two best scores of each four, or six patterns under a temperature"),
  attentionOutputWithDense: flag.describe("prune the attention's output with the feed-forward network's settings"),
  biasMask: z.boolean().default(true).describe("close a bias with its row"),
  minElements: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("share of a tensor's scores that stays open at any threshold"),
  scoreInit: Init.default("constant").describe("what scores are drawn from before training"),
  initialScore: z.number().default(0).describe("their constant, or the half-width of the uniform distribution"),
  scoresLearningRate: positive.default(0.01).describe("of the scores; weights have their own"),
  initialThreshold: z.number().default(0).describe("τ0; a density for topK and magnitude"),
  finalThreshold: z.number().default(0.1).describe("τ1, which evaluation is at; a density for topK and magnitude"),
  thresholdSchedule: z
    .enum(["cubic", "linear", "constant"])
    .default("cubic")
    .describe("the way from τ0 to τ1; constant: τ1 from the start"),
  initialTemperature: notNegative.default(0).describe("of 2:4 sparsity"),
  finalTemperature: notNegative.default(20).describe("of 2:4 sparsity, which takes the threshold's way"),
  initialWarmup: notNegative.default(1).describe("warm-ups at the initial threshold"),
  finalWarmup: notNegative.default(10).describe("warm-ups at the final threshold"),
  regularization: z
    .enum(["none", "l1", "l0"])
    .default("l1")
    .describe("l1: mean σ(S); l0: the chance that a hard concrete gate is not 0"),
  finalLambda: notNegative.default(1).describe("weight of the regulariser at the final threshold"),
  lambdaSchedule: z.enum(["threshold", "constant"]).default("threshold").describe("λ in proportion to the threshold"),
  attentionLambda: notNegative.default(1).describe("weight of the attention's scores in the regulariser"),
  denseLambda: notNegative.default(1).describe("weight of the feed-forward network's scores in the regulariser"),
  valuesOnly: flag.describe("train the scores of values alone; queries and keys stay open"),
  attentionOnly: flag.describe("do not train the feed-forward network's scores"),
  shared: flag.describe("one score tensor for query, key and value of a layer"),
  compat: z
    .literal("reference")
    .optional()
    .describe(
      "as the original: `valuesOnly` trains outputs too, `shared` ties three tensors, 1d_alt ranks weights and not neurons",
    ),
});

/** Checked settings of a pruning, with defaults filled in. */
export type PruningSettings = z.infer<typeof PruningSettings>;

/** Methods of one's own that settings may call by name, such as those read from a file. */
export interface KnownMethods {
  /** Made by `definePruningMethod`; none by default. */
  readonly methods?: readonly PruningMethod[];
}

/**
 * Checks settings and fills in the defaults.
 *
 * @throws Error `pruning.KEY: expected …, got …`, all problems in one line
 */
export function parsePruningSettings(
  value: z.input<typeof PruningSettings> = {},
  { methods: known = [] }: KnownMethods = {},
): PruningSettings {
  const { data, error } = PruningSettings.safeParse(named(value, known));
  if (data === undefined) throw new Error(problems(error.issues, value));
  check(data);
  return data;
}

/** The issues of settings in one line, each `pruning.KEY: expected …, got …`. */
export const problems = (issues: readonly z.core.$ZodIssue[], value: unknown): string =>
  issues
    .slice(0, MOST_TOLD)
    .map((issue) => problem(issue, value))
    .join("; ");
const MOST_TOLD = 8;

/** Settings with the methods of these names in their places. */
function named(settings: z.input<typeof PruningSettings>, known: readonly PruningMethod[]) {
  if (known.length === 0) return settings;
  const place = <G extends { method?: unknown }>(group: G | undefined) => {
    const own = known.find(({ name }) => name === group?.method);
    return own === undefined ? group : { ...group, method: own };
  };
  return { ...settings, attention: place(settings.attention), dense: place(settings.dense) };
}

/** What no single key shows. Errors name the keys of the original's configuration, which is what people write. */
function check({
  attention,
  dense,
  ampere,
  initialThreshold,
  finalThreshold,
  shared,
  valuesOnly,
}: PruningSettings): void {
  if (attention.method === "disabled" && dense.method === "disabled" && ampere === "disabled") {
    throw new Error("pruning.attention_pruning_method: expected a method here or for dense, got disabled for both");
  }
  if (shared && valuesOnly) {
    throw new Error("pruning.share_pruning_scores: expected one of shared scores and prune_values_only, got both");
  }
  if (attention.layout === "joint" && (shared || valuesOnly)) {
    throw new Error(
      `pruning.attention_pruning_method: expected no joint scores with ${shared ? "share_pruning_scores" : "prune_values_only"}, got both`,
    );
  }
  for (const [key, { method, layout }] of Object.entries({ attention, dense })) {
    if (method === "disabled" || !methodOf(method).ofWeights || layout !== "1d") continue;
    throw new Error(`pruning.${key}_pruning_method: expected blocks or neurons for ${nameOf(method)}, got 1d`);
  }
  if (ownCurves({ attention, dense }).length > 1) {
    const both = `${nameOf(attention.method)} and ${nameOf(dense.method)}`;
    throw new Error(`pruning.dense_pruning_method: expected methods of one schedule, got those of ${both}`);
  }
  for (const { method } of [attention, dense]) {
    if (method === "disabled") continue;
    const [least, most] = methodOf(method).thresholds;
    for (const [key, value] of Object.entries({
      initial_threshold: initialThreshold,
      final_threshold: finalThreshold,
    })) {
      if (!(value >= least && value <= most)) {
        throw new Error(`pruning.${key}: expected ${least} to ${most} for ${nameOf(method)}, got ${value}`);
      }
    }
  }
}

function problem(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === "unrecognized_keys") {
    return `${printable(key([...issue.path, issue.keys[0]!]))}: expected a known setting, got this one`;
  }
  const got = issue.path.reduce<unknown>(
    (node, part) => (node as Record<PropertyKey, unknown> | undefined)?.[part],
    value,
  );
  const expected = issue.message.replace(/^Invalid (input|option): |, received .*$/g, "");
  return `${printable(key(issue.path))}: ${printable(expected)}, got ${got === undefined ? "nothing" : shown(got)}`;
}

const key = (path: readonly PropertyKey[]) => ["pruning", ...path].join(".");
