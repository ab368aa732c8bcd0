import { type PaddedBatch, paddedWidth, padBatch, type Sentences } from "@pruning-bias/data";

/** How a batch is cut into pieces that go through the encoder at once. */
export interface MicrobatchOptions {
  /** Sentences in a piece. */
  readonly size: number;
  readonly padTokenId: number;
  /** Positions of every piece; by default each is as wide as its longest sentence, in buckets. */
  readonly width?: number | undefined;
  /** Positions that the model has, which no bucket goes beyond. */
  readonly positions?: number;
}

export interface Microbatch {
  readonly batch: PaddedBatch;
  /** Which of the sentences are in it, in its order. */
  readonly rows: Int32Array;
}

/** Cuts rows of `sentences` into micro-batches of like length, so that little is padding. */
export function microbatches(
  sentences: Sentences,
  rows: ArrayLike<number>,
  { size, padTokenId, width, positions = Infinity }: MicrobatchOptions,
): Microbatch[] {
  const length = (row: number) => sentences.offsets[row + 1]! - sentences.offsets[row]!;
  const sorted = Int32Array.from(rows).sort((a, b) => length(a) - length(b) || a - b);
  const pieces: Microbatch[] = [];
  for (let start = 0; start < sorted.length; start += size) {
    const piece = sorted.subarray(start, start + size);
    // Sorted: the last is the longest.
    const longest = length(piece.at(-1)!);
    const options = {
      batchSize: Math.min(size, rows.length),
      pad: padTokenId,
      width: width ?? paddedWidth(longest, positions),
    };
    pieces.push({ rows: piece, batch: padBatch(sentences, piece, options) });
  }
  return pieces;
}

/** Real tokens of the rows. */
export function countTokens({ offsets }: Sentences, rows: ArrayLike<number>): number {
  let tokens = 0;
  for (let i = 0; i < rows.length; i++) tokens += offsets[rows[i]! + 1]! - offsets[rows[i]!]!;
  return tokens;
}
