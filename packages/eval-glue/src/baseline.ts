import { type GlueTask, glueTasks } from "@pruning-bias/data";
import { type Metrics, metrics } from "./metrics.ts";

/**
 * What a model reaches that has not read a word: always the class most frequent in training (of equals the lowest), for
 * STS-B the mean score of training, with which nothing correlates: NaN.
 *
 * @throws RangeError for no training labels, and what `metrics` throws
 */
export function majorityBaseline(task: GlueTask, training: ArrayLike<number>, references: ArrayLike<number>): Metrics {
  if (training.length === 0) throw new RangeError(`majorityBaseline: ${task}: expected training labels, got none`);
  return metrics(task, new Float64Array(references.length).fill(guess(task, Array.from(training))), references);
}

function guess(task: GlueTask, labels: number[]): number {
  const classes = glueTasks[task].labels;
  if (classes === 1) return labels.reduce((sum, label) => sum + label, 0) / labels.length;
  const counts = Array.from({ length: classes }, (_, name) => labels.filter((label) => label === name).length);
  return counts.indexOf(Math.max(...counts));
}
