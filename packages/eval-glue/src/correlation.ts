/**
 * Pearson's correlation, between −1 and 1. NaN where a side is constant or holds NaN.
 *
 * @throws RangeError for fewer than two pairs
 */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (x.length !== y.length || x.length < 2) {
    throw new RangeError(`pearson: expected two or more pairs, got ${x.length} and ${y.length} numbers`);
  }
  const [dx, dy] = [deviations(x), deviations(y)];
  return Math.max(-1, Math.min(1, dot(dx, dy) / Math.sqrt(dot(dx, dx)) / Math.sqrt(dot(dy, dy))));
}

/**
 * Spearman's correlation, between −1 and 1: Pearson's of the ranks, tied values at their mean rank.
 *
 * @throws RangeError for fewer than two pairs
 */
export const spearman = (x: ArrayLike<number>, y: ArrayLike<number>): number => pearson(ranks(x), ranks(y));

function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, n) => n).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  // NaN has no rank, and no other value has one beside it.
  if (order.some((n) => Number.isNaN(values[n]))) return ranks.fill(NaN);
  for (let start = 0, end; start < order.length; start = end) {
    end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let n = start; n < end; n++) ranks[order[n]!] = (start + 1 + end) / 2;
  }
  return ranks;
}

function deviations(values: ArrayLike<number>): Float64Array {
  const all = Float64Array.from(values);
  // Equal values may still differ from their mean in the last bit; that is no variance.
  if (all.every((value) => value === all[0])) return all.fill(0);
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  return all.map((value) => value - mean);
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, n) => sum + value * b[n]!, 0);
