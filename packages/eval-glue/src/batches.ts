import { createHash } from "node:crypto";
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

/** A piece of a batch that goes through the encoder at once: `rows` examples, filled up to `size`, `width` tokens each. */
export interface Piece {
  readonly rows: Int32Array;
  readonly size: number;
  readonly width: number;
}

export interface PieceOptions {
  /** Most tokens of a piece, padding counted, but for one row that has more. */
  readonly tokenBudget: number;
  /** Positions that the model has: no piece is padded beyond. */
  readonly positions: number;
}

/**
 * Cuts rows into pieces of like length within a budget of tokens, so that their padding, fillers and number together cost
 * least. Few shapes come about, for each is compiled: widths are multiples of 8, sizes powers of two.
 */
export function pieces(
  rows: Int32Array,
  lengths: ArrayLike<number>,
  { tokenBudget, positions }: PieceOptions,
): Piece[] {
  const sorted = byLength(rows, lengths);
  const widthTo = (end: number): number => {
    const longest = lengths[sorted[end - 1]!]!;
    return Math.max(longest, Math.min(8 * Math.ceil(longest / 8), positions));
  };
  // cheapest[end]: what the first `end` rows cost, and the size of their last piece.
  const cheapest = [{ cost: 0, size: 0 }];
  for (let end = 1; end <= sorted.length; end++) {
    const width = widthTo(end);
    let best = { cost: Infinity, size: 1 };
    for (const size of sizes) {
      if (size > smallest && size * width > tokenBudget) break;
      const cost = cheapest[Math.max(0, end - size)]!.cost + size * width + PIECE;
      if (cost < best.cost) best = { cost, size };
    }
    cheapest.push(best);
  }
  const cut: Piece[] = [];
  for (let end = sorted.length; end > 0;) {
    const { size } = cheapest[end]!;
    const start = Math.max(0, end - size);
    cut.push({ rows: sorted.subarray(start, end), size, width: widthTo(end) });
    end = start;
  }
  return cut;
}

const sizes = [4, 8, 16, 32, 64, 128, 256];
const [smallest] = sizes as [number];
/** What a piece costs beside its tokens, in tokens: its gradients are added to the others', and its graph is started. */
const PIECE = 24;

// Long enough that a batch has one length, short enough that batches still differ between epochs.
const STRETCH = 50;

// Neighbouring seeds and epochs must not share their draws.
const seedOf = (seed: number, epoch: number): number =>
  createHash("sha256").update(`glue ${seed} ${epoch}`).digest().readInt32LE();

const byLength = (rows: Int32Array, lengths: ArrayLike<number>): Int32Array =>
  rows.toSorted((a, b) => lengths[a]! - lengths[b]! || a - b);

const chunks = (rows: Int32Array, size: number): Int32Array[] =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, n) => rows.subarray(n * size, (n + 1) * size));
