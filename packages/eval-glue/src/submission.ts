import { type GlueTask, type GlueTaskInfo, glueTasks } from "@pruning-bias/data";

/**
 * The file of a test split in a submission to the benchmark: `CoLA.tsv`, `MNLI-mm.tsv`.
 *
 * @throws RangeError for a split that is none of the task's test splits
 */
export function submissionName(task: GlueTask, split: string): string {
  const { test }: GlueTaskInfo = glueTasks[task];
  const name = test[split];
  if (name !== undefined) return name;
  throw new RangeError(`submission: ${task}: expected one of ${Object.keys(test).join(", ")}, got ${split}`);
}

/**
 * The lines of a submission to gluebenchmark.com: `index` from 0 and `prediction`: names where the task's classes have
 * some there (MNLI, QNLI, RTE), else numbers; scores of STS-B between 0 and 5, to three digits.
 *
 * @param predictions one for each example of the whole split, by their numbers `idx`
 * @throws RangeError where the examples are not numbered from 0 to their last, or a prediction is no class, or NaN
 */
export function submission(task: GlueTask, idx: ArrayLike<number>, predictions: ArrayLike<number>): string {
  if (idx.length !== predictions.length) {
    throw new RangeError(`submission: ${task}: expected ${idx.length} predictions, got ${predictions.length}`);
  }
  const sorted = Array.from(predictions, (prediction, row) => ({ index: idx[row]!, prediction })).sort(
    (a, b) => a.index - b.index,
  );
  const wrong = sorted.findIndex(({ index }, row) => index !== row);
  if (wrong >= 0) {
    throw new RangeError(`submission: ${task}: expected example ${wrong}, got ${sorted[wrong]!.index}`);
  }
  const lines = sorted.map(({ index, prediction }) => `${index}\t${labelOf(task, prediction)}\n`);
  return ["index\tprediction\n", ...lines].join("");
}

function labelOf(task: GlueTask, prediction: number): string {
  const { labels, names }: GlueTaskInfo = glueTasks[task];
  const isOne = labels === 1 ? !Number.isNaN(prediction) : Number.isInteger(prediction);
  if (!isOne || (labels > 1 && !(prediction >= 0 && prediction < labels))) {
    const expected = labels === 1 ? "a score" : `a class below ${labels}`;
    throw new RangeError(`submission: ${task}: expected ${expected}, got ${prediction}`);
  }
  if (labels === 1) return Math.min(5, Math.max(0, prediction)).toFixed(3);
  return named.has(task) ? names![prediction]! : String(prediction);
}

const named: ReadonlySet<GlueTask> = new Set(["mnli", "qnli", "rte"]);
