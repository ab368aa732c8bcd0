import { paddedWidth, padBatch, type Sentences, sentencesOf } from "@pruning-bias/data";
import { ndarray, type NDArray } from "@pruning-bias/runtime";

/** Sentences that go through an encoder at once. */
export interface TokenBatch {
  /** Where they stand among all, fewer than `shape[0]` in the last batch: the rest are fillers. */
  readonly rows: readonly number[];
  /** (B, S), int32 */
  readonly inputIds: NDArray;
  /** (B, S), int32 */
  readonly attentionMask: NDArray;
  readonly shape: readonly [B: number, S: number];
}

interface BatchOptions {
  readonly batchSize: number;
  /** The most tokens that the encoder takes. */
  readonly positions: number;
  readonly pad: number;
  /** Pads to the next four tokens and makes the last batch smaller: more shapes to compile, fewer tokens to compute. */
  readonly finely?: boolean;
}

/** Token ids in batches of like length, padded to few widths, since each is compiled once. */
export function* batchesOf(
  ids: readonly (readonly number[])[],
  { batchSize, positions, pad, finely = false }: BatchOptions,
): Generator<TokenBatch> {
  const sentences: Sentences = sentencesOf(ids);
  const order = [...ids.keys()].sort((a, b) => ids[a]!.length - ids[b]!.length || a - b);
  for (let start = 0; start < order.length; start += batchSize) {
    const rows = order.slice(start, start + batchSize);
    const longest = ids[rows.at(-1)!]!.length;
    const fine = Math.max(longest, Math.min(4 * Math.ceil(longest / 4), positions));
    const options = finely
      ? { batchSize: Math.min(batchSize, 8 * Math.ceil(rows.length / 8)), width: fine }
      : { batchSize, width: paddedWidth(longest, positions) };
    const { inputIds, attentionMask, shape } = padBatch(sentences, rows, { ...options, pad });
    yield { rows, inputIds: ndarray(inputIds, shape), attentionMask: ndarray(attentionMask, shape), shape };
  }
}
