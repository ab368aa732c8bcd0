import type { Trade } from "./charts.ts";
import { changes, glueMean, meanEffect } from "./compare.ts";
import type { PointResults, SweepResults } from "./results.ts";

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

/** Mean |SEAT effect| (`y`) of each measured point against something (`x`), and those of them that no other one betters in both. */
export interface TradeOff {
  /** The untouched model is 0, points are numbered from 1. */
  readonly values: readonly Trade[];
  readonly front: readonly Trade[];
}

/** Bias against the mean of the GLUE tasks' scores. */
export const againstGlue = (sweep: SweepResults): TradeOff =>
  tradeOff(sweep, (point) => glueMean(sweep, point), { higherIsBetter: true });

/** Bias against what each point costs or scores; points without a finite number are left out. */
export function tradeOff(
  { baseline, points }: SweepResults,
  axis: (point: PointResults) => number | undefined,
  order: { readonly higherIsBetter: boolean },
): TradeOff {
  const values = [baseline, ...points].flatMap((point, index): Trade[] => {
    const [x, y] = [axis(point), meanEffect(changes(point, baseline))?.after];
    return x === undefined || y === undefined || !Number.isFinite(x) ? [] : [{ label: String(index), x, y }];
  });
  return { values, front: pareto(values, order) };
}
