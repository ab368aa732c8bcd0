import { glueTasks, type GlueTokens } from "@pruning-bias/data";
import type { NDArray } from "@pruning-bias/runtime";
import { majorityBaseline } from "./baseline.ts";
import { type Metrics, metrics } from "./metrics.ts";
import { meanLoss, predictions } from "./predict.ts";

/** How a classifier does on a split, beside always guessing the class most frequent in training. */
export interface SplitScore {
  /** Of the classifier. */
  readonly metrics: Metrics;
  /** Of always guessing the class most frequent in training. */
  readonly baseline: Metrics;
  /** Mean over the examples: cross entropy in nats, or squared error. */
  readonly loss: number;
  /** That were scored. */
  readonly examples: number;
}

/**
 * Scores the logits, [N, classes], of a split.
 *
 * @param trainingLabels what the baseline guesses by
 * @throws RangeError for logits of another shape, or no training labels
 */
export function score(logits: NDArray, split: GlueTokens, trainingLabels: ArrayLike<number>): SplitScore {
  const { task, labels, length: examples } = split;
  const classes = glueTasks[task].labels;
  if (logits.shape.join() !== `${examples},${classes}`) {
    throw new RangeError(`score: ${task}: expected logits [${examples}, ${classes}], got [${logits.shape.join(", ")}]`);
  }
  return {
    metrics: metrics(task, predictions(logits), labels),
    baseline: majorityBaseline(task, trainingLabels, labels),
    loss: meanLoss(logits, split),
    examples,
  };
}

/**
 * The number by which epochs and models are compared: the metric, or the mean where the task has two. @throws RangeError for
 * none
 */
export function mainScore(metrics: Metrics): number {
  const score = metrics["combined_score"] ?? Object.values(metrics)[0];
  if (score === undefined) throw new RangeError("mainScore: expected a metric or more, got none");
  return score;
}
