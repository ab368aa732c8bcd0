import { sfc32 } from "./draws.ts";
import { type BootstrapOptions, type Interval, percentileInterval } from "./interval.ts";
import { checkSamples, checkTargets } from "./checks.ts";

/**
 * The effect size of a test, a Cohen's d between −2 and 2: positive where X goes with A and Y with B.
 *
 *     d = (mean_X s − mean_Y s) / std_{X ∪ Y} s,  with the sample standard deviation (n − 1)
 *
 * Caliskan et al. 2017. NaN where all associations are equal.
 *
 * @param associations s(w) of the targets, [|X| + |Y|], X first
 * @param sizeX how many of them belong to X
 * @throws RangeError where X or Y is empty
 */
export function effectSize(associations: Float64Array, sizeX: number): number {
  checkTargets("effectSize", associations, sizeX);
  const spread = deviation(associations);
  // Means of equal values may round apart.
  if (spread === 0) return NaN;
  return (mean(associations.subarray(0, sizeX)) - mean(associations.subarray(sizeX))) / spread;
}

/**
 * How far the effect size would move with other targets: X and Y are drawn anew from themselves, each in its own size,
 * the attributes stay. `null` without variance.
 *
 * @param associations s(w) of the targets, [|X| + |Y|], X first
 * @param sizeX how many of them belong to X
 * @throws RangeError where X or Y is empty, `samples` is below 1, or `level` is not between 0 and 1
 */
export function effectSizeInterval(
  associations: Float64Array,
  sizeX: number,
  { samples = 10_000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval | null {
  checkTargets("effectSizeInterval", associations, sizeX);
  checkSamples("effectSizeInterval", { samples, level });
  const next = sfc32(seed);
  const drawn = new Float64Array(associations.length);
  const sizeY = associations.length - sizeX;
  const effects = new Float64Array(samples);
  for (let sample = 0; sample < samples; sample++) {
    for (let n = 0; n < sizeX; n++) drawn[n] = associations[Math.floor(next() * sizeX)]!;
    for (let n = sizeX; n < drawn.length; n++) drawn[n] = associations[sizeX + Math.floor(next() * sizeY)]!;
    effects[sample] = effectSize(drawn, sizeX);
  }
  return percentileInterval(effects, level);
}

/** The sample standard deviation; exactly 0 where all values are equal, though their mean may round. */
export function deviation(values: Float64Array): number {
  let same = true;
  for (let n = 1; n < values.length && same; n++) same = values[n] === values[0];
  if (same) return 0;
  const centre = mean(values);
  let squares = 0;
  for (let n = 0; n < values.length; n++) squares += (values[n]! - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

export function mean(values: Float64Array): number {
  let sum = 0;
  for (let n = 0; n < values.length; n++) sum += values[n]!;
  return sum / values.length;
}
