/**
 * Lists of about the same size together: the largest of `all` first, each to the list that has least. What is as large as
 * another keeps its order.
 *
 * @throws RangeError for fewer than one list
 */
export function dealt<T>(all: readonly T[], lists: number, size: (one: T) => number): T[][] {
  if (!(Number.isInteger(lists) && lists > 0)) throw new RangeError(`dealt: expected a list or more, got ${lists}`);
  const piles = Array.from({ length: lists }, () => ({ own: [] as T[], total: 0 }));
  for (const one of all.toSorted((a, b) => size(b) - size(a))) {
    const least = piles.reduce((low, pile) => (pile.total < low.total ? pile : low));
    least.own.push(one);
    least.total += size(one);
  }
  return piles.map(({ own }) => own);
}
