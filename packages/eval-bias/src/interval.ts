import { checkHits } from "./checks.ts";

/** An interval that holds the true value at this level of confidence, and how it was found. */
export interface Interval {
  /** Its lower end. */
  readonly low: number;
  /** Its upper end. */
  readonly high: number;
  /** Confidence, 0 … 1. */
  readonly level: number;
  /** Percentiles of a bootstrap, or Wilson's formula for a share. */
  readonly method: "bootstrap" | "wilson";
  /** Resamples of a bootstrap. */
  readonly samples?: number;
}

/** Settings of a bootstrap. */
export interface BootstrapOptions {
  /** Resamples; 10,000 by default. */
  samples?: number;
  /** Confidence, between 0 and 1; .95 by default. */
  level?: number;
  /** Of the resamples; 0 by default. */
  seed?: number;
}

/**
 * The percentile interval of resampled values, which are sorted in place (Efron 1979). `null` where more than one in a
 * hundred of them is no number, since then the interval would be one of the others alone.
 */
export function percentileInterval(values: Float64Array, level: number): Interval | null {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0 || sorted.length < 0.99 * values.length) return null;
  const at = (share: number) => quantile(sorted, share);
  return {
    low: at((1 - level) / 2),
    high: at((1 + level) / 2),
    level,
    method: "bootstrap",
    samples: values.length,
  };
}

/**
 * The 95 % interval of a share, `hits` of `total`, that stays within 0 and 1 (Wilson 1927); `null` of nothing.
 *
 * @throws RangeError for hits that are no count or more than the total
 */
export function wilsonInterval(hits: number, total: number): Interval | null {
  checkHits("wilsonInterval", hits, total);
  if (total === 0) return null;
  const z = 1.959963984540054; // 97.5 % of the standard normal distribution
  const share = hits / total;
  const centre = (share + (z * z) / (2 * total)) / (1 + (z * z) / total);
  const half = (z / (1 + (z * z) / total)) * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half), level: 0.95, method: "wilson" };
}

/** Between the two values beside it, as numpy's `quantile` has it. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}
