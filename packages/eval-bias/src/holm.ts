/**
 * p-values of a family of tests, adjusted so that the chance of even one false alarm stays below the level (Holm 1979):
 * sorted upwards, the k-th of m (from 0) becomes the largest (m − j)·p₍ⱼ₎ of all j ≤ k, at most 1. Tests without a p stand
 * aside: `null` stays `null` and does not count.
 *
 * @throws RangeError for a p that is not from 0 to 1
 */
export function holm(ps: readonly (number | null)[]): (number | null)[] {
  const wrong = ps.find((p) => p !== null && !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new RangeError(`holm: expected p-values from 0 to 1, got ${wrong}`);
  const order = [...ps.keys()].filter((test) => ps[test] !== null).sort((a, b) => ps[a]! - ps[b]!);
  const adjusted: (number | null)[] = ps.map(() => null);
  let largest = 0;
  order.forEach((test, k) => {
    largest = Math.min(1, Math.max(largest, (order.length - k) * ps[test]!));
    adjusted[test] = largest;
  });
  return adjusted;
}
