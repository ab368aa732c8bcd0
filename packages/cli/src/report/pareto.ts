import type { Trade } from "./charts.ts";
import { changes, glueMean, meanEffect, measuredOf, numberOf, untouchedOf } from "./compare.ts";
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
  /** Numbered as in the table. */
  readonly values: readonly Trade[];
  readonly front: readonly Trade[];
}

/** Bias against the mean of the GLUE tasks' scores. */
export const againstGlue = (sweep: SweepResults): TradeOff =>
  tradeOff(sweep, (point) => glueMean(sweep, point), { higherIsBetter: true });

/** Bias against what each point costs or scores; points without a finite number are left out. */
export function tradeOff(
  sweep: SweepResults,
  axis: (point: PointResults) => number | undefined,
  order: { readonly higherIsBetter: boolean },
): TradeOff {
  const values = measuredOf(sweep).flatMap((point): Trade[] => {
    const [x, y] = [axis(point), meanEffect(changes(point, untouchedOf(sweep, point)))?.after];
    return x === undefined || y === undefined || !Number.isFinite(x) ? [] : [{ label: numberOf(sweep, point), x, y }];
  });
  return { values, front: pareto(values, order) };
}
