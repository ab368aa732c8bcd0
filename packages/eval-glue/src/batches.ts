import type { Generator } from "@pruning-bias/runtime";

/**
 * Rows of each batch of an epoch, in random order and yet of like length within a batch, so that little is padding: all
 * rows are shuffled, sorted by length within stretches of 50 batches, and the batches shuffled (transformers'
 * `group_by_length`). One batch may be short of rows.
 */
export function trainingBatches(lengths: readonly number[], batchSize: number, random: Generator): Int32Array[] {
  const rows = random.shuffle(Int32Array.from(lengths, (_, row) => row));
  const stretches = chunks(rows, batchSize * STRETCH).map((stretch) => byLength(stretch, lengths));
  return random.shuffle(stretches.flatMap((stretch) => chunks(stretch, batchSize)));
}

/** Rows of each batch for evaluation: all rows by length. */
export const evaluationBatches = (lengths: readonly number[], batchSize: number): Int32Array[] =>
  chunks(
    byLength(
      Int32Array.from(lengths, (_, row) => row),
      lengths,
    ),
    batchSize,
  );

// Long enough that a batch has one length, short enough that batches still differ between epochs.
const STRETCH = 50;

const byLength = (rows: Int32Array, lengths: readonly number[]): Int32Array =>
  rows.toSorted((a, b) => lengths[a]! - lengths[b]!);

const chunks = (rows: Int32Array, size: number): Int32Array[] =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, n) => rows.subarray(n * size, (n + 1) * size));
