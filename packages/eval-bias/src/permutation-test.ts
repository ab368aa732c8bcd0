import { sfc32 } from "./draws.ts";
import { checkHalves, checkSamples } from "./checks.ts";

/** The p-value of a permutation test and how it was found. */
export interface PermutationTest {
  /** One-sided, 0 … 1. */
  readonly p: number;
  /** `exact`: all splits were tried; `sampled`: random ones and the observed one. */
  readonly kind: "exact" | "sampled";
  /** How many splits were tried. */
  readonly samples: number;
}

/** Settings of `permutationTest`. */
export interface PermutationOptions {
  /** Splits to draw, 100,000 by default; where there are no more than that, all are tried. */
  samples?: number;
  /** Of the splits; 0 by default. */
  seed?: number;
  /** Sums this close count as ties, hence as ≥: the order of adding changes their last bits. 1e-9 by default. */
  tolerance?: number;
}

/**
 * One-sided permutation test of "X goes with A and Y with B": over splits of X ∪ Y into halves X′ and Y′, the share with
 *
 *     Σ_{X′} s ≥ Σ_X s
 *
 * Caliskan et al. 2017; samples as in sent-bias (May et al. 2019): exact where C(2n, n) ≤ samples, otherwise random
 * splits with the observed one counted, so that p is never 0. With a NaN among the associations no sum is ≥, so that an exact
 * p is 0, as in sent-bias: it says nothing, and `seat` gives none.
 *
 * @param associations s(w) of the targets, [|X| + |Y|], X first
 * @param sizeX how many of them belong to X: half
 * @throws RangeError where X and Y differ in size or are empty, or `samples` is below 1
 */
export function permutationTest(
  associations: Float64Array,
  sizeX: number,
  { samples = 100_000, seed = 0, tolerance = 1e-9 }: PermutationOptions = {},
): PermutationTest {
  checkHalves("permutationTest", associations, sizeX);
  checkSamples("permutationTest", { samples });
  const threshold = associations.subarray(0, sizeX).reduce((sum, value) => sum + value, 0) - tolerance;
  const splits = binomial(2 * sizeX, sizeX);
  return splits <= samples
    ? { p: countSplits(associations, sizeX, threshold) / splits, kind: "exact", samples: splits }
    : { p: (1 + countDraws(associations, sizeX, threshold, samples - 1, seed)) / samples, kind: "sampled", samples };
}

/** How many subsets of `size` values sum to at least `threshold`. */
function countSplits(values: Float64Array, size: number, threshold: number): number {
  const visit = (start: number, left: number, sum: number): number => {
    if (left === 0) return sum >= threshold ? 1 : 0;
    let count = 0;
    for (let n = start; n <= values.length - left; n++) count += visit(n + 1, left - 1, sum + values[n]!);
    return count;
  };
  return visit(0, size, 0);
}

/** How many of `draws` random subsets of `size` values sum to at least `threshold`. */
function countDraws(values: Float64Array, size: number, threshold: number, draws: number, seed: number): number {
  const next = sfc32(seed);
  const deck = values.slice();
  let count = 0;
  for (let draw = 0; draw < draws; draw++) {
    // The first steps of a Fisher-Yates shuffle deal a uniform subset, whatever order the deck was left in.
    let sum = 0;
    for (let dealt = 0; dealt < size; dealt++) {
      const other = dealt + Math.floor(next() * (deck.length - dealt));
      const card = deck[other]!;
      deck[other] = deck[dealt]!;
      deck[dealt] = card;
      sum += card;
    }
    if (sum >= threshold) count++;
  }
  return count;
}

function binomial(n: number, k: number): number {
  let value = 1;
  for (let i = 1; i <= k; i++) value = Math.round((value * (n - k + i)) / i);
  return value;
}
