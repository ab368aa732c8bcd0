import { createHash } from "node:crypto";
import { byLength } from "@pruning-bias/data";
import { generator } from "@pruning-bias/runtime";

/** How the examples of a batch are chosen: any, or such of like length. */
export type BatchOrder = "random" | "length";

export interface EpochOptions {
  readonly batchSize: number;
  readonly order?: BatchOrder;
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
}

/**
 * Rows of each batch of an epoch, every row once, the last batch short of rows where they do not divide; the same for a
 * seed and epoch, whatever was drawn before.
 *
 * `random`: all rows shuffled, as run_glue has them. `length`: shuffled, sorted by length within stretches of 50 batches,
 * and the batches shuffled, so that little is padding (transformers' `group_by_length`).
 */
export function epochBatches(
  lengths: ArrayLike<number>,
  { batchSize, order = "random", seed, epoch }: EpochOptions,
): Int32Array[] {
  const random = generator(seedOf(seed, epoch));
  const rows = random.shuffle(Int32Array.from(lengths, (_, row) => row));
  if (order === "random") return chunks(rows, batchSize);
  const stretches = chunks(rows, batchSize * STRETCH).flatMap((stretch) =>
    chunks(byLength(stretch, lengths), batchSize),
  );
  return random.shuffle(stretches);
}

// Long enough that a batch has one length, short enough that batches still differ between epochs.
const STRETCH = 50;

// Neighbouring seeds and epochs must not share their draws.
const seedOf = (seed: number, epoch: number): number =>
  createHash("sha256").update(`glue ${seed} ${epoch}`).digest().readInt32LE();

const chunks = (rows: Int32Array, size: number): Int32Array[] =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, n) => rows.subarray(n * size, (n + 1) * size));
