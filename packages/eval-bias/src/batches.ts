import { paddedWidth, padBatch, type Sentences, sentencesOf } from "@pruning-bias/data";
import type { BertConfig } from "@pruning-bias/model";
import { ndarray, type NDArray } from "@pruning-bias/runtime";

/** Sentences that go through an encoder at once. */
export interface TokenBatch {
  /** Where they stand among all, fewer than `shape[0]` where it has fillers. */
  readonly rows: readonly number[];
  /** [batch, length], int32 */
  readonly inputIds: NDArray;
  /** [batch, length], int32 */
  readonly attentionMask: NDArray;
  readonly shape: readonly [B: number, S: number];
}

interface BatchOptions {
  readonly batchSize: number;
  /** The most tokens that the encoder takes. */
  readonly positions: number;
  readonly pad: number;
}

/** Token ids in batches of like length, padded to few widths, since each is compiled once. */
export function* batchesOf(
  ids: readonly (readonly number[])[],
  { batchSize, positions, pad }: BatchOptions,
): Generator<TokenBatch> {
  const sentences = sentencesOf(ids);
  const order = byLength(ids);
  for (let start = 0; start < order.length; start += batchSize) {
    const rows = order.slice(start, start + batchSize);
    const width = paddedWidth(ids[rows.at(-1)!]!.length, positions);
    yield padded(sentences, rows, { batchSize, width, pad });
  }
}

interface EvenBatchOptions {
  /** Tokens of a batch at most, but one sentence at least. */
  readonly batchTokens: number;
  readonly pad: number;
  /** How many tokens take as long to compute as a shape to compile. */
  readonly shapeTokens: number;
}

/**
 * Token ids in batches of like length with the least padding that is worth its shapes: widths are chosen such that tokens of
 * padding, and `shapeTokens` for each shape, are fewest together; the batches of a width are of one size.
 */
export function* evenBatchesOf(
  ids: readonly (readonly number[])[],
  { batchTokens, pad, shapeTokens }: EvenBatchOptions,
): Generator<TokenBatch> {
  const sentences = sentencesOf(ids);
  const order = byLength(ids);
  let start = 0;
  for (const { width, count } of widths(
    order.map((row) => ids[row]!.length),
    shapeTokens,
  )) {
    const most = Math.max(1, Math.floor(batchTokens / width));
    const size = Math.ceil(count / Math.ceil(count / most));
    const end = start + count;
    for (; start < end; start += size) {
      yield padded(sentences, order.slice(start, Math.min(start + size, end)), { batchSize: size, width, pad });
    }
    start = end;
  }
}

/** How many tokens of an encoder take about as long to compute as a program for another shape of it to compile. */
export const shapeTokens = ({ hidden_size: D, intermediate_size: F }: BertConfig): number =>
  Math.ceil(LAYER_COMPILED / (4 * D * D + 2 * D * F));

/** Multiplications that are done in the time in which a layer compiles: some 6 ms. */
const LAYER_COMPILED = 8e8;

/** Runs of these rising lengths, each padded to its longest: the cheapest division, by dynamic programming. */
function widths(lengths: readonly number[], shapeTokens: number): { width: number; count: number }[] {
  const distinct = [...new Set(lengths)];
  const counts = distinct.map((length) => lengths.filter((other) => other === length).length);
  // best[n]: of the first n distinct lengths.
  const best: { cost: number; from: number }[] = [{ cost: 0, from: 0 }];
  for (let end = 1; end <= distinct.length; end++) {
    let [padding, found] = [0, { cost: Infinity, from: 0 }];
    for (let from = end - 1; from >= 0; from--) {
      padding += counts[from]! * (distinct[end - 1]! - distinct[from]!);
      const cost = best[from]!.cost + padding + shapeTokens;
      if (cost < found.cost) found = { cost, from };
    }
    best.push(found);
  }
  const runs: { width: number; count: number }[] = [];
  for (let end = distinct.length; end > 0; end = best[end]!.from) {
    const count = counts.slice(best[end]!.from, end).reduce((sum, own) => sum + own, 0);
    runs.unshift({ width: distinct[end - 1]!, count });
  }
  return runs;
}

const byLength = (ids: readonly (readonly number[])[]) =>
  [...ids.keys()].sort((a, b) => ids[a]!.length - ids[b]!.length || a - b);

function padded(
  sentences: Sentences,
  rows: readonly number[],
  options: { batchSize: number; width: number; pad: number },
): TokenBatch {
  const { inputIds, attentionMask, shape } = padBatch(sentences, rows, options);
  return { rows, inputIds: ndarray(inputIds, shape), attentionMask: ndarray(attentionMask, shape), shape };
}
