import { draws } from "../random/draws.ts";
import { type Sentences, take } from "./sentences.ts";

/** Sentences to train on and those set aside. */
export interface Split {
  /** To train on. */
  readonly train: Sentences;
  /** Set aside. */
  readonly validation: Sentences;
}

/**
 * Splits sentences by a seed; both parts are in random order, so that their first rows are a fair sample.
 *
 * Where there are fewer than twice `validationSize`, a tenth is set aside for validation.
 *
 * @throws RangeError for a `validationSize` that is no whole number
 */
export function split(sentences: Sentences, { seed, validationSize, name }: SplitOptions): Split {
  if (!(Number.isInteger(validationSize) && validationSize >= 0)) {
    throw new RangeError(`split: validationSize: expected a whole number of at least 0, got ${validationSize}`);
  }
  const size = validationRows(sentences.length, validationSize);
  const order = draws("split", seed, name).permutation(sentences.length);
  return { train: take(sentences, order.subarray(size)), validation: take(sentences, order.subarray(0, size)) };
}

/** How many rows are set aside, and by which draw. */
export interface SplitOptions {
  /** Of the draw. */
  readonly seed: number;
  /** Sentences to set aside. */
  readonly validationSize: number;
  /** Makes the draws of one class independent of another's. */
  readonly name: string;
}

/** Rows set aside for validation: `wanted`, or at most a tenth (but one of two) where there are fewer than twice that. */
export function validationRows(length: number, wanted: number): number {
  if (length >= 2 * wanted) return wanted;
  return Math.min(wanted, length < 2 ? 0 : Math.max(1, Math.floor(length / 10)));
}
