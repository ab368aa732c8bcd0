import { checkHits } from "./checks.ts";

/**
 * Whether `hits` of `total` could be tosses of a fair coin: the two-sided exact p-value, the share of outcomes at least as far
 * from the half. 1 of nothing.
 *
 * @throws RangeError for hits that are no count or more than the total
 */
export function binomialTest(hits: number, total: number): number {
  checkHits("binomialTest", hits, total);
  const fewer = Math.min(hits, total - hits);
  if (2 * fewer === total) return 1;
  // Terms of C(total, k)/2^total by their logarithms: total may be thousands.
  let log = -total * Math.LN2;
  let tail = Math.exp(log);
  for (let k = 1; k <= fewer; k++) {
    log += Math.log((total - k + 1) / k);
    tail += Math.exp(log);
  }
  return Math.min(1, 2 * tail);
}

/** How many items two models answer differently, and whether one of them says yes more often. */
export interface PairedAnswers {
  /** Items that the first model alone says yes to. */
  readonly onlyFirst: number;
  /** Items that the second model alone says yes to. */
  readonly onlySecond: number;
  /** Two-sided. */
  readonly p: number;
}

/**
 * Whether two models say yes to a different share of the same items: the exact form of McNemar's test (1947), which looks at the
 * items alone that they answer differently.
 *
 * @throws RangeError where they were not asked the same items
 */
export function mcNemarTest(first: readonly boolean[], second: readonly boolean[]): PairedAnswers {
  if (first.length !== second.length) {
    throw new RangeError(`mcNemarTest: expected the same items twice, got ${first.length} and ${second.length}`);
  }
  const onlyFirst = first.filter((yes, item) => yes && !second[item]).length;
  const onlySecond = second.filter((yes, item) => yes && !first[item]).length;
  return { onlyFirst, onlySecond, p: binomialTest(onlyFirst, onlyFirst + onlySecond) };
}
