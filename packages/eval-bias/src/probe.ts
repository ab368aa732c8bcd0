import type { NDArray } from "@pruning-bias/runtime";
import { logisticRegression } from "@pruning-bias/training";
import { sfc32, shuffled } from "./draws.ts";
import { type Interval, wilsonInterval } from "./interval.ts";

/** How `probe` asks. */
export interface ProbeOptions {
  /** Of the cross-validation; 5 by default, 2 at least. */
  readonly folds?: number;
  /** λ of the ridge penalty; .01 by default. */
  readonly ridge?: number;
  /** Of folds and of the control task; 0 by default. */
  readonly seed?: number;
}

/** How well a linear classifier reads a property off embeddings. Accuracies are shares of all N, each in its test fold. */
export interface ProbeResult {
  /** Which classifier it is. */
  readonly protocol: "logistic regression";
  /** N: sentences. */
  readonly examples: number;
  /** Words that they are about. */
  readonly types: number;
  /** Of the cross-validation. */
  readonly folds: number;
  /** Sentences held out at random: their words are known. */
  readonly accuracy: number;
  /** Of the accuracy. */
  readonly interval: Interval | null;
  /** The same with a label drawn for each word: what the classifier remembers of words alone. */
  readonly control: number;
  /** Accuracy less control: what is read and not remembered. */
  readonly selectivity: number;
  /** Words held out with all their sentences: .5 where nothing carries over to other words. */
  readonly unseen: number;
  /** The share of the larger class, what one gets without looking. */
  readonly majority: number;
}

/**
 * Can a property be read off embeddings linearly? Logistic regression on standardised features, cross-validated, beside a
 * control task (Hewitt and Liang 2019, https://arxiv.org/abs/1909.03368): labels that depend on nothing but the word.
 *
 * @param embeddings [N, hidden]
 * @param labels the property, by row
 * @param types the word that a row is about: rows of a word have one label
 * @throws RangeError for other than two classes with as many words as folds, other counts than N, a word of two labels, fewer
 *   than 2 folds, or an embedding that is not finite
 */
export function probe(
  embeddings: NDArray,
  labels: readonly boolean[],
  types: readonly string[],
  { folds = 5, ridge = 1e-2, seed = 0 }: ProbeOptions = {},
): ProbeResult {
  const [N, D] = embeddings.shape as [number, number];
  if (embeddings.shape.length !== 2 || !(embeddings.data as Float32Array).every(Number.isFinite)) {
    throw new RangeError(`probe: expected finite embeddings [N, hidden], got [${embeddings.shape.join(", ")}]`);
  }
  if (!(Number.isInteger(folds) && folds > 1)) throw new RangeError(`probe: expected 2 folds or more, got ${folds}`);
  if (labels.length !== N || types.length !== N) {
    throw new RangeError(`probe: expected ${N} labels and words, got ${labels.length} and ${types.length}`);
  }
  const words = [...new Set(types)].sort();
  const labelOf = new Map(types.map((type, n) => [type, labels[n]!]));
  const both = types.find((type, n) => labelOf.get(type) !== labels[n]);
  if (both !== undefined) throw new RangeError(`probe: expected one label for a word, got two for ${both}`);
  for (const side of [true, false]) {
    const own = words.filter((word) => labelOf.get(word) === side).length;
    if (own < folds) throw new RangeError(`probe: expected at least ${folds} words of each class, got ${own}`);
  }
  const rows = Array.from({ length: N }, (_, n) => Float64Array.from(embeddings.data.subarray(n * D, (n + 1) * D)));
  const next = sfc32(seed);
  const drawn = new Map(words.map((word) => [word, next() < 0.5]));
  const control = types.map((type) => drawn.get(type)!);
  const byRow = dealt([...labels.keys()], labels, folds, next);
  const wordFolds = dealt(
    words,
    words.map((word) => labelOf.get(word)!),
    folds,
    next,
  );
  const byWord = new Map(words.map((word, n) => [word, wordFolds[n]!]));
  const hits = (truth: readonly boolean[], foldOf: readonly number[]) => hitsOf(rows, truth, foldOf, folds, ridge);
  const right = hits(labels, byRow);
  const remembered = hits(control, byRow);
  const positive = labels.filter(Boolean).length;
  return {
    ...{ protocol: "logistic regression", examples: N, types: words.length, folds },
    accuracy: right / N,
    interval: wilsonInterval(right, N),
    control: remembered / N,
    selectivity: (right - remembered) / N,
    unseen:
      hits(
        labels,
        types.map((type) => byWord.get(type)!),
      ) / N,
    majority: Math.max(positive, N - positive) / N,
  };
}

/** A fold for each item, each class dealt evenly. */
function dealt(items: readonly unknown[], labels: readonly boolean[], folds: number, next: () => number): number[] {
  const foldOf = Array<number>(items.length).fill(0);
  for (const side of [true, false]) {
    const own = [...items.keys()].filter((n) => labels[n] === side);
    shuffled(own.length, next).forEach((place, n) => (foldOf[own[place]!] = n % folds));
  }
  return foldOf;
}

/** How many rows are classified rightly, each by a classifier that has not seen its fold. */
function hitsOf(
  rows: readonly Float64Array[],
  labels: readonly boolean[],
  foldOf: readonly number[],
  folds: number,
  ridge: number,
): number {
  let hits = 0;
  for (let fold = 0; fold < folds; fold++) {
    const [train, test] = [false, true].map((held) => [...rows.keys()].filter((n) => (foldOf[n] === fold) === held));
    const scale = standardiser(train!.map((n) => rows[n]!));
    const classify = logisticRegression(
      train!.map((n) => scale(rows[n]!)),
      train!.map((n) => labels[n]!),
      { ridge },
    );
    hits += test!.filter((n) => classify(scale(rows[n]!)) === labels[n]).length;
  }
  return hits;
}

/** Features less their mean, by their standard deviation; those without variance are 0. */
function standardiser(rows: readonly Float64Array[]): (row: Float64Array) => Float64Array {
  const D = rows[0]!.length;
  const mean = new Float64Array(D);
  const squares = new Float64Array(D);
  for (const row of rows) for (let d = 0; d < D; d++) mean[d]! += row[d]! / rows.length;
  for (const row of rows) for (let d = 0; d < D; d++) squares[d]! += (row[d]! - mean[d]!) ** 2 / rows.length;
  return (row) => row.map((value, d) => (squares[d]! > 1e-20 ? (value - mean[d]!) / Math.sqrt(squares[d]!) : 0));
}
