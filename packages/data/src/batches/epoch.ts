import { draws } from "../random/draws.ts";

/** Rows of each batch of an epoch; both streams have equally many batches. */
export interface EpochBatches {
  /** [batch] each: rows of the stereotype sentences. */
  readonly targets: Int32Array[];
  /** [batch] each: rows of the male sentences followed by the female ones: female row r is `male + r`. */
  readonly attributes: Int32Array[];
}

/**
 * Draws the batches of an epoch from so many sentences of each class; the same seed and epoch give the same ones.
 *
 * n = min(male, female) sentences of each gender, shuffled together, are the attribute stream; all stereotype sentences,
 * shuffled, are the target stream. The shorter stream starts again, shuffled anew, until the longer one ends, as in the
 * original (Joniak and Aizawa 2022).
 *
 * @throws RangeError for a class without sentences, or a batch size that is no whole number above 0
 */
export function epochBatches(
  { targets, male, female }: { readonly targets: number; readonly male: number; readonly female: number },
  { batchSize, seed, epoch }: { readonly batchSize: number; readonly seed: number; readonly epoch: number },
): EpochBatches {
  if (!(Math.min(targets, male, female) > 0 && Number.isInteger(batchSize) && batchSize > 0)) {
    const got = `targets ${targets}, male ${male}, female ${female}, batch size ${batchSize}`;
    throw new RangeError(`epochBatches: expected sentences of each class and a positive batch size, got ${got}`);
  }
  const each = Math.min(male, female);
  const { permutation } = draws("epoch", seed, epoch);
  const chosen = new Int32Array(2 * each);
  chosen.set(permutation(male).subarray(0, each));
  chosen.set(
    permutation(female)
      .subarray(0, each)
      .map((row) => male + row),
    each,
  );
  const length = Math.max(Math.ceil(targets / batchSize), Math.ceil(chosen.length / batchSize));
  const stream = (size: number): Int32Array[] => {
    const batches: Int32Array[] = [];
    while (batches.length < length) batches.push(...chunks(permutation(size), batchSize));
    return batches.slice(0, length);
  };
  return { targets: stream(targets), attributes: stream(chosen.length).map((rows) => rows.map((i) => chosen[i]!)) };
}

function chunks(rows: Int32Array, size: number): Int32Array[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.subarray(i * size, (i + 1) * size));
}
