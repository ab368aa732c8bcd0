import type { GlueTokens, BatchPiece } from "@pruning-bias/data";
import { ndarray, type NDArray } from "@pruning-bias/runtime";

/** Examples of one piece on the host: B rows of S tokens, or of features that stand for them. */
export type Batch = TokenBatch | FeatureBatch;

interface Targets {
  /** [batch], int32 classes or float32 scores; 0 where they are held back. */
  readonly labels: NDArray;
  /** [batch]: 1 for an example, 0 for a row that only fills the piece. */
  readonly rowWeights: NDArray;
}

export interface TokenBatch extends Targets {
  /** [batch, length] int32, as the two below. */
  readonly inputIds: NDArray;
  readonly attentionMask: NDArray;
  readonly tokenTypeIds: NDArray;
}

export interface FeatureBatch extends Targets {
  /** [batch, 1, hidden]: the last hidden state at the first token. */
  readonly features: NDArray;
}

/** A split, whose examples can be had as the encoder or a head takes them. */
export interface Examples<B extends Batch = Batch> {
  readonly source: GlueTokens;
  /** Tokens of each example; all 1 where features stand for them. */
  readonly lengths: Int32Array;
  readonly batch: (piece: BatchPiece) => B;
}

/** A split's tokens, padded with `pad`. */
export function tokenExamples(source: GlueTokens, pad: number): Examples<TokenBatch> {
  const { offsets, inputIds, tokenTypeIds, length } = source;
  const lengths = Int32Array.from({ length }, (_, row) => offsets[row + 1]! - offsets[row]!);
  const batch = ({ rows, size, width }: BatchPiece): TokenBatch => {
    const ids = new Int32Array(size * width).fill(pad);
    const [mask, types] = [new Int32Array(size * width), new Int32Array(size * width)];
    rows.forEach((row, n) => {
      const [start, end] = [offsets[row]!, offsets[row + 1]!];
      ids.set(inputIds.subarray(start, end), n * width);
      types.set(tokenTypeIds.subarray(start, end), n * width);
      mask.fill(1, n * width, n * width + end - start);
    });
    // A filler row attends to one padding token: without any its softmax would be over nothing.
    for (let n = rows.length; n < size; n++) mask[n * width] = 1;
    const shape = [size, width];
    return {
      ...{ inputIds: ndarray(ids, shape), attentionMask: ndarray(mask, shape), tokenTypeIds: ndarray(types, shape) },
      ...targets(source, rows, size),
    };
  };
  return { source, lengths, batch };
}

/** A split's features, [N, hidden] row by row: what a frozen encoder makes of its examples. */
export function featureExamples(source: GlueTokens, features: Float32Array): Examples<FeatureBatch> {
  const dim = features.length / source.length;
  const batch = ({ rows, size }: BatchPiece): FeatureBatch => {
    const own = new Float32Array(size * dim);
    rows.forEach((row, n) => own.set(features.subarray(row * dim, (row + 1) * dim), n * dim));
    return { features: ndarray(own, [size, 1, dim]), ...targets(source, rows, size) };
  };
  return { source, lengths: new Int32Array(source.length).fill(1), batch };
}

function targets({ labels }: GlueTokens, rows: Int32Array, size: number): Targets {
  const own = labels instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);
  rows.forEach((row, n) => (own[n] = Math.max(0, labels[row]!)));
  return { labels: ndarray(own), rowWeights: ndarray(new Float32Array(size).fill(1, 0, rows.length)) };
}
