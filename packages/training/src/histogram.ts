/** Counts of values in buckets; bucket i ends at `limits[i]`, which it holds, and begins where the one before it ends. */
export interface Histogram {
  /** The least; 0 of nothing. */
  readonly min: number;
  /** The greatest; 0 of nothing. */
  readonly max: number;
  /** How many. */
  readonly count: number;
  /** Of all. */
  readonly sum: number;
  /** Of their squares. */
  readonly sumSquares: number;
  /** Where each bucket ends, rising. */
  readonly limits: readonly number[];
  /** Values in each. */
  readonly counts: readonly number[];
}

/**
 * `buckets` equal buckets, 30 by default, between the least and the greatest of the values that are finite. @throws RangeError
 * for no buckets
 */
export function histogram(values: ArrayLike<number>, buckets = 30): Histogram {
  if (!(Number.isInteger(buckets) && buckets > 0)) {
    throw new RangeError(`histogram: expected a number of buckets above 0, got ${buckets}`);
  }
  let [min, max, count, sum, sumSquares] = [Infinity, -Infinity, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    count++;
    sum += value;
    sumSquares += value * value;
  }
  if (count === 0) return { min: 0, max: 0, count, sum, sumSquares, limits: [0], counts: [0] };
  const moments = { min, max, count, sum, sumSquares };
  if (min === max) return { ...moments, limits: [max], counts: [count] };
  const width = (max - min) / buckets;
  const counts = Array<number>(buckets).fill(0);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isFinite(value)) counts[Math.min(buckets - 1, Math.floor((value - min) / width))]!++;
  }
  return { ...moments, limits: counts.map((_, i) => (i === buckets - 1 ? max : min + (i + 1) * width)), counts };
}
