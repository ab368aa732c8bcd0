import type { Sentences } from "../corpus/sentences.ts";

/** Sentences of one batch as rectangles, row by row. */
export interface PaddedBatch {
  /** [batch, length] */
  readonly inputIds: Int32Array;
  /** [batch, length]: 1 at tokens, 0 at padding. */
  readonly attentionMask: Int32Array;
  /** [batch, length] */
  readonly keywordMask: Float32Array;
  /** [batch]: 1 for a sentence, 0 for a filler row. */
  readonly rowWeights: Float32Array;
  /** [batch, length] */
  readonly shape: readonly [batchSize: number, width: number];
  /** Tokens of the sentences, padding and fillers left out. */
  readonly tokens: number;
}

/** Shape and filling of a batch. */
export interface PadOptions {
  /**
   * Rows of the batch, as many as sentences by default; those beyond the sentences are fillers, which keep the number of
   * compiled shapes small.
   */
  readonly batchSize?: number;
  /** Tokens of a row; by default the longest sentence, rounded up to a bucket. */
  readonly width?: number;
  /** Id of the padding token; 0 by default. */
  readonly pad?: number;
}

/**
 * The sentences at `rows`, padded to one width: [batch, length].
 *
 * A filler row attends to one padding token, which is also its keyword, so that no mean divides by zero; its weight is 0.
 *
 * @throws RangeError where the rows or the longest sentence do not fit, or a row is none
 */
export function padBatch(
  sentences: Sentences,
  rows: ArrayLike<number>,
  { batchSize = rows.length, width: asked, pad = 0 }: PadOptions = {},
): PaddedBatch {
  if (!(rows.length <= batchSize))
    throw new RangeError(`padBatch: expected at most ${batchSize} rows, got ${rows.length}`);
  const { offsets, inputIds, keywordMask } = sentences;
  let [longest, tokens] = [0, 0];
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (!(Number.isInteger(row) && row >= 0 && row < sentences.length)) {
      throw new RangeError(`padBatch: expected rows below ${sentences.length}, got ${row}`);
    }
    const length = offsets[row + 1]! - offsets[row]!;
    longest = Math.max(longest, length);
    tokens += length;
  }
  const width = asked ?? bucket(longest);
  if (!(longest <= width))
    throw new RangeError(`padBatch: expected sentences of at most ${width} tokens, got ${longest}`);
  const batch = {
    inputIds: new Int32Array(batchSize * width).fill(pad),
    attentionMask: new Int32Array(batchSize * width),
    keywordMask: new Float32Array(batchSize * width),
    rowWeights: new Float32Array(batchSize).fill(1, 0, rows.length),
  };
  for (let i = 0; i < rows.length; i++) {
    const [start, end] = [offsets[rows[i]!]!, offsets[rows[i]! + 1]!];
    batch.inputIds.set(inputIds.subarray(start, end), i * width);
    batch.keywordMask.set(keywordMask.subarray(start, end), i * width);
    batch.attentionMask.fill(1, i * width, i * width + end - start);
  }
  for (let i = rows.length; i < batchSize; i++) batch.attentionMask[i * width] = batch.keywordMask[i * width] = 1;
  return { ...batch, shape: [batchSize, width], tokens };
}

/** Widths of batches: few, for each is compiled once. */
export const buckets: readonly number[] = [8, 16, 24, 32, 48, 64, 96, 128];

/** The bucket, in tokens, that holds `length` tokens; beyond the largest, a multiple of 64. */
export function bucket(length: number): number {
  return buckets.find((width) => width >= length) ?? 64 * Math.ceil(length / 64);
}

/** Width of a batch in tokens: the bucket of its longest sentence, but no wider than the model has positions, unless that is. */
export function paddedWidth(longest: number, positions: number): number {
  return Math.max(longest, Math.min(bucket(longest), positions));
}
