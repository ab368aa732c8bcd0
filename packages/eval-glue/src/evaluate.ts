import type { GlueTokens } from "@pruning-bias/data";
import type { NDArray } from "@pruning-bias/runtime";
import { majorityBaseline } from "./baseline.ts";
import { type Metrics, metrics } from "./metrics.ts";
import { meanLoss, predictions } from "./predict.ts";

/** How a classifier does on a split, beside always guessing the class most frequent in training. */
export interface SplitScore {
  readonly metrics: Metrics;
  readonly baseline: Metrics;
  /** Mean over the examples: cross entropy in nats, or squared error. */
  readonly loss: number;
  readonly examples: number;
}

/** Scores the logits, [N, classes], of a split. */
export function score(logits: NDArray, split: GlueTokens, trainingLabels: ArrayLike<number>): SplitScore {
  const { task, labels, length: examples } = split;
  return {
    metrics: metrics(task, predictions(logits), labels),
    baseline: majorityBaseline(task, trainingLabels, labels),
    loss: meanLoss(logits, split),
    examples,
  };
}

/** The number by which epochs and models are compared: the metric, or the mean where the task has two. */
export const mainScore = (metrics: Metrics): number => metrics["combined_score"] ?? Object.values(metrics)[0]!;
