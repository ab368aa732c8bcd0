import type { GlueTask } from "@pruning-bias/data";
import { pearson, spearman } from "./correlation.ts";

/** Scores by the names of Hugging Face's glue metric: `accuracy`, `f1`, `matthews_correlation`, `pearson`, `spearmanr`. */
export type Metrics = Readonly<Record<string, number>>;

/**
 * The metrics of a GLUE task (Wang et al. 2019): Matthews correlation for CoLA, Pearson and Spearman for STS-B (its numbers in
 * single precision), accuracy for all others, with F1 of class 1 for MRPC and QQP; fractions, not percent. Two metrics also
 * give their mean, `combined_score`. As scikit-learn has it, 0/0 is 0 in Matthews and F1.
 *
 * @param predictions classes; for STS-B, scores; [N], as the references
 * @throws RangeError for no examples, fewer than two in STS-B, or another number of references
 */
export function metrics(task: GlueTask, predictions: ArrayLike<number>, references: ArrayLike<number>): Metrics {
  if (predictions.length !== references.length || predictions.length === 0) {
    throw new RangeError(
      `metrics: ${task}: expected as many predictions as references, got ${predictions.length} and ${references.length}`,
    );
  }
  const scores = scoresOf(task, predictions, references);
  const values = Object.values(scores);
  if (values.length === 1) return scores;
  return { ...scores, combined_score: values.reduce((sum, value) => sum + value, 0) / values.length };
}

/**
 * The class of the highest logit, [classes]: of equals the first, and NaN above all, as numpy's argmax. @throws RangeError for
 * none
 */
export function argmax(logits: ArrayLike<number>): number {
  if (logits.length === 0) throw new RangeError("argmax: expected logits, got none");
  let best = 0;
  for (let n = 0; n < logits.length; n++) {
    if (Number.isNaN(logits[n])) return n;
    if (logits[n]! > logits[best]!) best = n;
  }
  return best;
}

function scoresOf(task: GlueTask, predictions: ArrayLike<number>, references: ArrayLike<number>): Metrics {
  if (task === "stsb") {
    const [x, y] = [Float32Array.from(predictions), Float32Array.from(references)];
    return { pearson: pearson(x, y), spearmanr: spearman(x, y) };
  }
  const counts = confusion(predictions, references);
  if (task === "cola") return { matthews_correlation: matthews(counts) };
  const accuracy = counts.right / references.length;
  return task === "mrpc" || task === "qqp" ? { accuracy, f1: f1(counts) } : { accuracy };
}

interface Confusion {
  readonly right: number;
  readonly truePositives: number;
  readonly trueNegatives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

/** Counts right predictions, and how class 1 fares against the rest. */
function confusion(predictions: ArrayLike<number>, references: ArrayLike<number>): Confusion {
  const count = (holds: (prediction: number, reference: number) => boolean): number =>
    Array.from(predictions).filter((prediction, n) => holds(prediction, references[n]!)).length;
  return {
    right: count((p, r) => p === r),
    truePositives: count((p, r) => p === 1 && r === 1),
    trueNegatives: count((p, r) => p !== 1 && r !== 1),
    falsePositives: count((p, r) => p === 1 && r !== 1),
    falseNegatives: count((p, r) => p !== 1 && r === 1),
  };
}

function f1({ truePositives: tp, falsePositives: fp, falseNegatives: fn }: Confusion): number {
  return tp === 0 ? 0 : (2 * tp) / (2 * tp + fp + fn);
}

function matthews(counts: Confusion): number {
  const { truePositives: tp, trueNegatives: tn, falsePositives: fp, falseNegatives: fn } = counts;
  const scale = Math.sqrt(tp + fp) * Math.sqrt(tp + fn) * Math.sqrt(tn + fp) * Math.sqrt(tn + fn);
  return scale === 0 ? 0 : (tp * tn - fp * fn) / scale;
}
