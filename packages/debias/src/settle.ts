import { cutoffs, type Layout } from "@pruning-bias/pruning";
import { ndarray, type NDArray } from "@pruning-bias/runtime";
import { type Arrays, copies, type TrainingState } from "@pruning-bias/training";
import { store, stored } from "./stored.ts";

/**
 * What becomes of gates that training leaves on the threshold, where L_debias closes them and L_keep opens them in turn, so
 * that which are open last is chance.
 *
 * - `none`: they stay as the last step left them, as in the original.
 * - `average`: each is as it was on the average of the last quarter of the steps.
 * - `greedy`: those that are still undecided then are chosen by validation loss.
 */
export const settleMethods = ["none", "average", "greedy"] as const;

/** One of `settleMethods`. */
export type SettleMethod = (typeof settleMethods)[number];

/** Mean distance of each score above where its gate flips, over the steps that count. */
export interface MeanMargins {
  readonly steps: number;
  readonly margins: Arrays;
}

/** Adds the scores of one step, at the threshold of that step; none as long as no threshold closed anything. */
export function addMargins(
  mean: MeanMargins | undefined,
  layout: Layout,
  scores: Arrays,
  threshold: number,
): MeanMargins | undefined {
  const flips = Object.entries(cutoffs(layout, scores, threshold));
  // At a threshold that closes nothing there is no distance to it.
  if (!flips.every(([, cutoff]) => Number.isFinite(cutoff))) return mean;
  const steps = (mean?.steps ?? 0) + 1;
  const margins = flips.map(([name, cutoff]) => {
    const { data, shape } = scores[name]!;
    const before = mean?.margins[name]!.data;
    return [
      name,
      ndarray(
        Float32Array.from(data, (score, i) => running(before?.[i] ?? 0, score - cutoff, steps)),
        shape,
      ),
    ];
  });
  return { steps, margins: Object.fromEntries(margins) as Arrays };
}

/** The part of a training state that holds them. */
export const storeMargins = (mean: MeanMargins | undefined): Pick<TrainingState, "arrays" | "values"> => ({
  arrays: store("margins", mean?.margins ?? {}),
  values: { margins: mean?.steps ?? 0 },
});

export function storedMargins({ arrays, values }: TrainingState): MeanMargins | undefined {
  const steps = values["margins"] as number;
  return steps === 0 ? undefined : { steps, margins: stored("margins", arrays) };
}

const running = (mean: number, value: number, count: number): number => mean + (value - mean) / count;

/** How many gates two sets of trained scores make differently. */
export function changedGates(layout: Layout, before: Arrays, after: Arrays, threshold: number): number {
  const [one, other] = [cutoffs(layout, before, threshold), cutoffs(layout, after, threshold)];
  let changed = 0;
  for (const name of Object.keys(other)) {
    const open = (scores: Arrays, cutoff: number) => Array.from(scores[name]!.data, (score) => score > cutoff);
    const now = open(after, other[name]!);
    open(before, one[name]!).forEach((was, index) => (changed += Number(was !== now[index])));
  }
  return changed;
}

/**
 * What settling needs.
 *
 * @throws RangeError for scores that are not gates of their own, naming what was expected
 */
export function expectSettling(layout: Layout | undefined): void {
  const got =
    layout === undefined
      ? "no pruning"
      : layout.scores.some(({ method }) => method === "l0")
        ? "l0"
        : layout.tied.length > 0
          ? "tied scores"
          : layout.modules.some(({ source }) => source?.kind === "product")
            ? "rows times columns"
            : undefined;
  if (got !== undefined)
    throw new RangeError(`fineprune: settle: expected scores that are gates of their own, got ${got}`);
}

/** Scores within this of where their gate flips are undecided. */
const UNDECIDED = 0.1;

export interface SettleOptions {
  readonly layout: Layout;
  /** All scores. */
  readonly scores: Arrays;
  readonly threshold: number;
  readonly mean: MeanMargins;
  readonly method: Exclude<SettleMethod, "none">;
  /** Validation loss under trained scores; `greedy` asks twice for each gate that it decides. */
  readonly loss: (scores: Arrays) => Promise<number>;
  /** Gates that `greedy` decides, those nearest to the threshold. */
  readonly most?: number;
}

/** The trained scores after settling, by name. */
export async function settle(options: SettleOptions): Promise<Arrays> {
  const { layout, scores, threshold, mean, method, loss, most = 64 } = options;
  const cutoff = cutoffs(layout, scores, threshold);
  const settled = Object.fromEntries(
    Object.entries(mean.margins).map(([name, { data, shape }]): [string, NDArray] => [
      name,
      ndarray(
        Float32Array.from(data, (margin) => margin + cutoff[name]!),
        shape,
      ),
    ]),
  );
  if (method === "average") return settled;

  const undecided = Object.entries(mean.margins)
    .flatMap(([name, { data }]) => Array.from(data as Float32Array, (margin, index) => ({ name, index, margin })))
    .filter(({ margin }) => Math.abs(margin) < UNDECIDED)
    .toSorted((a, b) => Math.abs(a.margin) - Math.abs(b.margin))
    .slice(0, most);
  const put = (into: Arrays, { name, index }: (typeof undecided)[number], open: boolean) => {
    into[name]!.data[index] = cutoff[name]! + (open ? 2 : -2) * UNDECIDED;
  };
  // From all of them open on, those first whose closing alone gains most: not from where chance left them.
  for (const gate of undecided) put(settled, gate, true);
  let lowest = await loss(settled);
  const without = async (gate: (typeof undecided)[number]) => {
    const closed = copies(settled);
    put(closed, gate, false);
    return loss(closed);
  };
  const alone = [];
  for (const gate of undecided) alone.push({ gate, loss: await without(gate) });
  for (const { gate } of alone.toSorted((a, b) => a.loss - b.loss)) {
    const closed = await without(gate);
    if (closed >= lowest) continue;
    put(settled, gate, false);
    lowest = closed;
  }
  return settled;
}
