import { checkHalves } from "./checks.ts";

/**
 * The parametric form of the permutation test: the statistic Σ_X s − Σ_Y s taken as normal with the variance that it has
 * over all splits,
 *
 *     p = 1 − Φ((Σ_X s − Σ_Y s) / √(n/(n − 1) · Σ (s − s̄)²)),  n = |X| + |Y|
 *
 * what sent-bias' `parametric` option (May et al. 2019) tends to. 1 where all associations are equal, NaN where one is NaN.
 *
 * @param associations s(w) of the targets, [|X| + |Y|], X first
 * @param sizeX how many of them belong to X: half
 * @throws RangeError where X and Y differ in size or are empty
 */
export function normalTest(associations: Float64Array, sizeX: number): number {
  checkHalves("normalTest", associations, sizeX);
  if (associations.every((value) => value === associations[0])) return 1;
  const n = associations.length;
  const mean = associations.reduce((sum, value) => sum + value, 0) / n;
  const squares = associations.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const statistic = associations.reduce((sum, value, index) => (index < sizeX ? sum + value : sum - value), 0);
  return erfc(statistic / Math.sqrt((n / (n - 1)) * squares) / Math.SQRT2) / 2;
}

/** 1 − erf(x), with small relative error far out in the tail too (Abramowitz & Stegun 7.1.6 and 7.1.14). */
function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x < 0) return 2 - erfc(-x);
  const scale = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2) {
    let term = 2 * x;
    let sum = term;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - scale * sum;
  }
  // The continued fraction 1/(x + ½/(x + 1/(x + 1½/(x + …)))), from the far end.
  let tail = x;
  for (let n = 120; n > 0; n--) tail = x + n / 2 / tail;
  return scale / tail;
}
