import type { NDArray } from "@pruning-bias/runtime";
import { logisticRegression } from "@pruning-bias/training";
import { orthonormal, type Projection, removeFrom } from "./projection.ts";

/** When INLP (Ravfogel et al. 2020) ends, and how its classifiers are trained. */
export interface InlpOptions {
  /** At most so many classifiers; 80 by default. */
  readonly iterations?: number;
  /** λ of the classifiers' ridge penalty, on embeddings whose mean square is 1; .01 by default. */
  readonly ridge?: number;
  /** Told of each classifier: its accuracy on the held-out rows, 0 … 1, and how many directions were taken out before it. */
  readonly onIteration?: ((accuracy: number, done: number) => void) | undefined;
}

/** Embeddings [N, hidden], and which of two classes each is of. */
export interface Labelled {
  /** [N, hidden] */
  readonly embeddings: NDArray;
  /** [N]: whether a row is of the one class or the other. */
  readonly labels: readonly boolean[];
}

/** The directions that INLP found, orthonormal, each [hidden], and how well each classifier did on held-out embeddings. */
export interface InlpResult extends Projection {
  /** Of each classifier on the held-out rows, the last one's after all directions were taken out. */
  readonly accuracies: readonly number[];
  /** The share of the larger class among them: what one gets without looking. */
  readonly chance: number;
}

/**
 * Iterative null-space projection (Ravfogel et al. 2020, Algorithm 1, https://arxiv.org/abs/2004.07667): a linear classifier
 * of the classes is trained, its direction is taken out, and so on until a classifier is no better than chance on `heldOut`.
 *
 * @throws RangeError where the training rows are of one class, none are held out, labels or widths do not fit the embeddings,
 *   or one is not finite
 */
export function inlp(
  train: Labelled,
  heldOut: Labelled,
  { iterations = 80, ridge = 1e-2, onIteration }: InlpOptions = {},
): InlpResult {
  for (const [name, { embeddings, labels }] of Object.entries({ train, heldOut })) {
    const { shape, data } = embeddings;
    if (shape.length !== 2 || shape[0] !== labels.length || shape[1] !== train.embeddings.shape[1]) {
      const expected = `[${labels.length}, ${train.embeddings.shape[1]}]`;
      throw new RangeError(`inlp: ${name}: expected embeddings ${expected}, got [${shape.join(", ")}]`);
    }
    const wrong = Array.prototype.findIndex.call(data, (value: number) => !Number.isFinite(value));
    if (wrong !== -1) throw new RangeError(`inlp: ${name}: expected finite embeddings, got ${data[wrong]}`);
  }
  if (new Set(train.labels).size !== 2) throw new RangeError("inlp: expected rows of two classes, got one");
  if (heldOut.labels.length === 0) throw new RangeError("inlp: expected rows that are held out, got none");
  const rows = float64Rows(train.embeddings);
  const held = float64Rows(heldOut.embeddings);
  const scale = 1 / Math.sqrt(rows.reduce((sum, row) => sum + meanSquare(row), 0) / rows.length);
  for (const row of [...rows, ...held]) for (let d = 0; d < row.length; d++) row[d]! *= scale;
  const positive = heldOut.labels.filter(Boolean).length;
  const chance = Math.max(positive, held.length - positive) / held.length;

  const directions: Float64Array[] = [];
  const accuracies: number[] = [];
  for (;;) {
    const classify = logisticRegression(rows, train.labels, { ridge });
    const right = held.filter((row, n) => classify(row) === heldOut.labels[n]).length;
    accuracies.push(right / held.length);
    onIteration?.(accuracies.at(-1)!, directions.length);
    if (right / held.length <= chance || directions.length === iterations) break;
    const direction = orthonormal(classify.weights, directions);
    if (direction === undefined) break;
    directions.push(direction);
    for (const row of [...rows, ...held]) removeFrom(row, direction);
  }
  return { directions, accuracies, chance };
}

function float64Rows({ data, shape }: NDArray): Float64Array[] {
  const [N, D] = shape as [number, number];
  return Array.from({ length: N }, (_, n) => Float64Array.from(data.subarray(n * D, (n + 1) * D)));
}

const meanSquare = (row: Float64Array): number => row.reduce((sum, value) => sum + value * value, 0) / row.length;
