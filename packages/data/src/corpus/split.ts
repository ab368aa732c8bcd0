import { draws } from "../random/draws.ts";
import { type Sentences, take } from "./sentences.ts";

/** Sentences to train on and those set aside. */
export interface Split {
  readonly train: Sentences;
  readonly validation: Sentences;
}

/**
 * Splits sentences by a seed; both parts are in random order, so that their first rows are a fair sample.
 *
 * Where there are fewer than twice `validationSize`, a tenth is set aside for validation.
 */
export function split(sentences: Sentences, { seed, validationSize, name }: SplitOptions): Split {
  const size = validationRows(sentences.length, validationSize);
  const order = draws("split", seed, name).permutation(sentences.length);
  return { train: take(sentences, order.subarray(size)), validation: take(sentences, order.subarray(0, size)) };
}

/** How many rows are set aside, and by which draw. */
export interface SplitOptions {
  readonly seed: number;
  readonly validationSize: number;
  /** Makes the draws of one class independent of another's. */
  readonly name: string;
}

/** Rows set aside for validation: `wanted`, or at most a tenth (but one of two) where there are fewer than twice that. */
export function validationRows(length: number, wanted: number): number {
  if (length >= 2 * wanted) return wanted;
  return Math.min(wanted, length < 2 ? 0 : Math.max(1, Math.floor(length / 10)));
}
