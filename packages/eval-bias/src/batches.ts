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

/** Token ids in batches of like length, padded to few widths, since each is compiled once. */
export function* batchesOf(
  ids: readonly (readonly number[])[],
  { batchSize, positions, pad }: { batchSize: number; positions: number; pad: number },
): Generator<TokenBatch> {
  const sentences: Sentences = sentencesOf(ids);
  const order = [...ids.keys()].sort((a, b) => ids[a]!.length - ids[b]!.length || a - b);
  for (let start = 0; start < order.length; start += batchSize) {
    const rows = order.slice(start, start + batchSize);
    const width = paddedWidth(ids[rows.at(-1)!]!.length, positions);
    const { inputIds, attentionMask, shape } = padBatch(sentences, rows, { batchSize, width, pad });
    yield { rows, inputIds: ndarray(inputIds, shape), attentionMask: ndarray(attentionMask, shape), shape };
  }
}
