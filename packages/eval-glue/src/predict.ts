import { type GlueTokens, type BatchPiecesOptions, batchPieces } from "@pruning-bias/data";
import type { HostScores } from "@pruning-bias/pruning";
import { ndarray, type NDArray } from "@pruning-bias/runtime";
import { together } from "@pruning-bias/training";
import type { Classifier } from "./classifier.ts";
import type { Batch, Examples, TokenBatch } from "./examples.ts";
import { argmax } from "./metrics.ts";

/** The host arrays that a classifier computes with, but for the batch. */
export interface Subject {
  readonly trained: Readonly<Record<string, NDArray>>;
  readonly fixed: Readonly<Record<string, NDArray>>;
  readonly scores: HostScores;
  readonly threshold: number;
}

export interface PredictOptions extends Pick<BatchPiecesOptions, "tokenBudget"> {
  /** Two pieces at once, for a `jit` with two lanes. */
  readonly sideBySide: boolean;
}

/** Logits of all examples of a split, [N, classes], in eval mode. */
export const logits = (model: Classifier, subject: Subject, examples: Examples, options: PredictOptions) =>
  everyRow(examples, options, (batch) => model.predict({ ...subject, batch }));

/** The last hidden states at the first tokens, [N, hidden], in eval mode. */
export const features = (
  model: Classifier,
  subject: Subject,
  examples: Examples<TokenBatch>,
  options: PredictOptions,
) => everyRow(examples, options, (batch) => model.features({ ...subject, batch }));

/** Runs every example once, by length, and puts the results, (B, …) a piece, back in their order: (N, …). */
async function everyRow<B extends Batch>(
  { source, lengths, batch }: Examples<B>,
  options: PredictOptions,
  run: (batch: B) => Promise<NDArray>,
): Promise<NDArray> {
  const all = Int32Array.from(lengths.keys());
  let results = new Float32Array();
  let dim = 0;
  const left = batchPieces(all, lengths, { ...options, anyShape: true }).values();
  const some = async (): Promise<void> => {
    for (const piece of left) {
      const { data } = await run(batch([piece]));
      dim = data.length / piece.size;
      if (results.length === 0) results = new Float32Array(source.length * dim);
      piece.rows.forEach((row, n) => results.set(data.subarray(n * dim, (n + 1) * dim), row * dim));
    }
  };
  await together(options.sideBySide ? [some(), some()] : [some()]);
  return ndarray(results, [source.length, dim]);
}

/**
 * What a classifier says of each example, [N], from logits [N, classes]: classes, or scores where the task is a regression.
 * @throws RangeError for other shapes
 */
export function predictions({ data, shape }: NDArray): Float64Array {
  const [rows, classes] = shape as [number, number];
  if (shape.length !== 2) throw new RangeError(`predictions: expected logits [N, classes], got [${shape.join(", ")}]`);
  return Float64Array.from({ length: rows }, (_, row) =>
    classes === 1 ? data[row]! : argmax(data.subarray(row * classes, (row + 1) * classes)),
  );
}

/** Mean loss over a split, in float64: cross entropy in nats, or squared error. */
export function meanLoss({ data, shape }: NDArray, { labels }: Pick<GlueTokens, "labels">): number {
  const [rows, classes] = shape as [number, number];
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const own = data.subarray(row * classes, (row + 1) * classes);
    if (classes === 1) {
      sum += (own[0]! - labels[row]!) ** 2;
      continue;
    }
    const most = Math.max(...own);
    let total = 0;
    for (const logit of own) total += Math.exp(logit - most);
    sum += Math.log(total) + most - own[labels[row]!]!;
  }
  return sum / rows;
}
