import { type PaddedBatch, padBatch, batchPieces, type Sentences } from "@pruning-bias/data";

/** How a batch is cut into pieces that go through the encoder at once. */
export interface MicrobatchOptions {
  /** Most tokens of a piece, padding counted. */
  readonly tokenBudget: number;
  /** Most sentences of a piece; as many as the budget allows where absent. */
  readonly size?: number | undefined;
  readonly padTokenId: number;
  /** Positions of every piece; by default each is as wide as its longest sentence. */
  readonly width?: number | undefined;
}

export interface Microbatch {
  readonly batch: PaddedBatch;
  /** Which of the sentences are in it, in its order. */
  readonly rows: Int32Array;
}

/** Cuts rows of `sentences` into micro-batches of like length within a budget of tokens, so that little is padding. */
export function microbatches(
  sentences: Sentences,
  rows: ArrayLike<number>,
  { tokenBudget, size = Infinity, padTokenId, width }: MicrobatchOptions,
): Microbatch[] {
  const { offsets } = sentences;
  const ordered = Int32Array.from(rows).sort();
  const lengths = ordered.map((row) => width ?? offsets[row + 1]! - offsets[row]!);
  const cut = batchPieces(
    ordered.map((_, index) => index),
    lengths,
    { tokenBudget, most: Math.min(size, Math.max(1, rows.length)), anyShape: true },
  );
  return cut.map((piece) => {
    const own = piece.rows.map((index) => ordered[index]!);
    const options = { batchSize: piece.size, pad: padTokenId, width: width ?? piece.width };
    return { rows: own, batch: padBatch(sentences, own, options) };
  });
}

/** Real tokens of the rows. */
export function countTokens({ offsets }: Sentences, rows: ArrayLike<number>): number {
  let tokens = 0;
  for (let i = 0; i < rows.length; i++) tokens += offsets[rows[i]! + 1]! - offsets[rows[i]!]!;
  return tokens;
}
