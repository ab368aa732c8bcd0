import { sfc32 } from "./draws.ts";
import { deviation, effectSize, mean } from "./effect-size.ts";
import { type BootstrapOptions, type Interval, percentileInterval } from "./interval.ts";
import { checkSamples, checkTargets } from "./checks.ts";

/** A second model's effect size less the first's, on the same test. */
export interface Change {
  /** d₂ − d₁, in standard deviations. */
  readonly change: number;
  /** Two-sided; NaN where a model's associations have no variance. */
  readonly p: number;
  /** `exact`: all ways to exchange the models' targets were tried; `sampled`: random ones and the observed one. */
  readonly pKind: "exact" | "sampled";
  /** Of the change; `null` without variance. */
  readonly interval: Interval | null;
}

/**
 * Whether two models differ on a test. Each target w has an association in either; divided by its model's standard
 * deviation, z(w) = s(w)/std s, these make the effect size a difference of means, so that
 *
 *     d₂ − d₁ = Σ_X δ/|X| − Σ_Y δ/|Y|,  δ(w) = z₂(w) − z₁(w)
 *
 * If the models were exchangeable, each δ, taken about the mean of its own model's z, could as well have the other sign: the
 * p-value is the share of sign patterns with a change at least as large either way (Fisher 1935), all of them up to
 * `samples`, else random ones. The interval is a bootstrap over targets, the same ones for both models.
 *
 * @param first s(w) of the first model's targets, [|X| + |Y|], X first
 * @param second the same of the second model
 * @throws RangeError where the models have been asked different targets, X or Y is empty, or `samples` or `level` are none
 */
export function effectChange(
  first: Float64Array,
  second: Float64Array,
  sizeX: number,
  { samples = 10_000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Change {
  if (first.length !== second.length) {
    throw new RangeError(`effectChange: expected the same targets twice, got ${first.length} and ${second.length}`);
  }
  checkTargets("effectChange", first, sizeX);
  checkSamples("effectChange", { samples, level });
  const [before, after] = [standard(first), standard(second)];
  const sizeY = first.length - sizeX;
  const terms = after.map((z, n) => (z - before[n]!) / (n < sizeX ? sizeX : -sizeY));
  const change = effectSize(second, sizeX) - effectSize(first, sizeX);
  return {
    change,
    ...signTest(terms, samples, seed),
    interval: pairedInterval(first, second, sizeX, { samples, level, seed }),
  };
}

/** The share of sign patterns whose sum is at least as far from 0 as that of the terms as they are. */
function signTest(terms: Float64Array, samples: number, seed: number): Pick<Change, "p" | "pKind"> {
  const threshold = Math.abs(terms.reduce((sum, term) => sum + term, 0)) - 1e-9;
  if (Number.isNaN(threshold)) return { p: NaN, pKind: "sampled" };
  const exact = terms.length < 31 && 2 ** terms.length <= samples;
  const patterns = exact ? 2 ** terms.length : samples - 1;
  const next = sfc32(seed);
  let count = exact ? 0 : 1;
  for (let pattern = 0; pattern < patterns; pattern++) {
    let sum = 0;
    for (let n = 0; n < terms.length; n++) {
      const turned = exact ? ((pattern >>> n) & 1) === 1 : next() < 0.5;
      sum += turned ? -terms[n]! : terms[n]!;
    }
    if (Math.abs(sum) >= threshold) count++;
  }
  return exact ? { p: count / patterns, pKind: "exact" } : { p: count / samples, pKind: "sampled" };
}

function pairedInterval(
  first: Float64Array,
  second: Float64Array,
  sizeX: number,
  { samples, level, seed }: Required<BootstrapOptions>,
): Interval | null {
  const next = sfc32(seed);
  const [a, b] = [new Float64Array(first.length), new Float64Array(first.length)];
  const changes = new Float64Array(samples);
  for (let sample = 0; sample < samples; sample++) {
    for (let n = 0; n < a.length; n++) {
      const [start, size] = n < sizeX ? [0, sizeX] : [sizeX, a.length - sizeX];
      const drawn = start + Math.floor(next() * size);
      a[n] = first[drawn]!;
      b[n] = second[drawn]!;
    }
    changes[sample] = effectSize(b, sizeX) - effectSize(a, sizeX);
  }
  return percentileInterval(changes, level);
}

/** Centred and divided by the standard deviation. */
function standard(values: Float64Array): Float64Array {
  const [centre, scale] = [mean(values), deviation(values)];
  return values.map((value) => (value - centre) / scale);
}
