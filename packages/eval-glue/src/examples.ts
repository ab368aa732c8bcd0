import type { BatchPack, BatchPiece, GlueTokens } from "@pruning-bias/data";
import { ndarray, type NDArray } from "@pruning-bias/runtime";

/** Examples of one pack on the host: rows of tokens, or of features that stand for them. */
export type Batch = TokenBatch | FeatureBatch;

interface Targets {
  /** [examples], int32 classes or float32 scores; 0 where they are held back. */
  readonly labels: NDArray;
  /** [examples]: 1 for an example, 0 for a row that only fills a piece. */
  readonly rowWeights: NDArray;
}

export interface TokenBatch extends Targets {
  /** A piece each, one after the other. */
  readonly parts: readonly TokenPart[];
}

/** Examples of like length: B rows of S tokens. */
export interface TokenPart {
  /** [batch, length] int32, as the two below. */
  readonly inputIds: NDArray;
  readonly attentionMask: NDArray;
  readonly tokenTypeIds: NDArray;
}

export interface FeatureBatch extends Targets {
  /** [examples, 1, hidden]: the last hidden state at the first token. */
  readonly features: NDArray;
}

/** A split, whose examples can be had as the encoder or a head takes them. */
export interface Examples<B extends Batch = Batch> {
  readonly source: GlueTokens;
  /** Tokens of each example; all 1 where features stand for them. */
  readonly lengths: Int32Array;
  readonly batch: (pack: BatchPack) => B;
}

/** A split's tokens, padded with `pad`. */
export function tokenExamples(source: GlueTokens, pad: number): Examples<TokenBatch> {
  const { offsets, inputIds, tokenTypeIds, length } = source;
  const lengths = Int32Array.from({ length }, (_, row) => offsets[row + 1]! - offsets[row]!);
  const part = ({ rows, size, width }: BatchPiece): TokenPart => {
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
    return { inputIds: ndarray(ids, shape), attentionMask: ndarray(mask, shape), tokenTypeIds: ndarray(types, shape) };
  };
  return { source, lengths, batch: (pack) => ({ parts: pack.map(part), ...targets(source, pack) }) };
}

/** A split's features, [N, hidden] row by row: what a frozen encoder makes of its examples. */
export function featureExamples(source: GlueTokens, features: Float32Array): Examples<FeatureBatch> {
  const dim = features.length / source.length;
  const batch = (pack: BatchPack): FeatureBatch => {
    const places = placesOf(pack);
    const own = new Float32Array(places.length * dim);
    places.forEach((row, n) => row !== undefined && own.set(features.subarray(row * dim, (row + 1) * dim), n * dim));
    return { features: ndarray(own, [places.length, 1, dim]), ...targets(source, pack) };
  };
  return { source, lengths: new Int32Array(source.length).fill(1), batch };
}

function targets({ labels }: GlueTokens, pack: BatchPack): Targets {
  const places = placesOf(pack);
  const own = labels instanceof Int32Array ? new Int32Array(places.length) : new Float32Array(places.length);
  places.forEach((row, n) => row !== undefined && (own[n] = Math.max(0, labels[row]!)));
  const rowWeights = Float32Array.from(places, (row) => Number(row !== undefined));
  return { labels: ndarray(own), rowWeights: ndarray(rowWeights) };
}

/** The example at each place of the pieces, one after the other; none at those that are filled up. */
const placesOf = (pack: BatchPack): (number | undefined)[] =>
  pack.flatMap(({ rows, size }) => Array.from({ length: size }, (_, n) => rows[n]));
