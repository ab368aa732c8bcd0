/** What a point costs or scores (`x`) and how biased it is (`y`, less is better). */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** The places that no other one betters in both: less bias at the same price or a lower one, in the order of their price. */
export function pareto<P extends Place>(places: readonly P[], { higherIsBetter }: { higherIsBetter: boolean }): P[] {
  const price = ({ x }: P) => (higherIsBetter ? -x : x);
  const ordered = places.toSorted((a, b) => price(a) - price(b) || a.y - b.y);
  let least = Infinity;
  return ordered.filter(({ y }) => {
    if (y >= least) return false;
    least = y;
    return true;
  });
}
