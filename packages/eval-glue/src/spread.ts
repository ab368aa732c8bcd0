/** How a number lies over several seeds. */
export interface Spread {
  /** Of an even number, the mean of the middle two. */
  readonly median: number;
  /** Arithmetic mean. */
  readonly mean: number;
  /** Sample standard deviation (n − 1); NaN for one seed. */
  readonly deviation: number;
  /** The least. */
  readonly min: number;
  /** The greatest. */
  readonly max: number;
  /** How many numbers. */
  readonly count: number;
}

/**
 * Median and spread of some numbers; a NaN among them makes all of them NaN.
 *
 * @throws RangeError for none
 */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError("spread: expected one number or more, got none");
  const sorted = values.some(Number.isNaN) ? values.map(() => NaN) : values.toSorted((a, b) => a - b);
  const count = sorted.length;
  const middle = count >> 1;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / count;
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    median: count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2,
    mean,
    deviation: count === 1 ? NaN : Math.sqrt(squares / (count - 1)),
    min: sorted[0]!,
    max: sorted.at(-1)!,
    count,
  };
}

/** The spread of each metric over seeds, by the names of the first; NaN for one that a seed lacks. */
export function spreads(runs: readonly Readonly<Record<string, number>>[]): Record<string, Spread> {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, spread(runs.map((run) => run[name] ?? NaN))]));
}
