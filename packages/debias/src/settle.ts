import { cutoffs, hostMasks, type Layout, methodOf, nameOf } from "@pruning-bias/pruning";
import { ndarray, type NDArray } from "@pruning-bias/runtime";
import { type Arrays, copies, type TrainingState } from "@pruning-bias/training";
import { store, stored } from "./stored.ts";

/**
 * What becomes of gates that training leaves on the threshold, where L_debias closes them and L_keep opens them in turn, so
 * that which are open last is chance.
 *
 * - `none`: they stay as the last step left them, as in the original.
 * - `average`: each is as it was on the average of the last quarter of the steps, or of those since the lowest loss where a run
 *   stopped before.
 * - `greedy`: those that are still undecided then are chosen by validation loss, eight candidates at once where gates act on
 *   activations.
 */
export const settleMethods = ["none", "average", "greedy"] as const;
/** A name of `settleMethods`. */
export type SettleMethod = (typeof settleMethods)[number];

/** Mean distance of each score above where its gate flips, over the steps that count; of rows and columns above 0. */
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
  const flipping = Object.entries(flips(layout, scores, threshold));
  // At a threshold that closes nothing there is no distance to it.
  if (!flipping.every(([, cutoff]) => Number.isFinite(cutoff))) return mean;
  const steps = (mean?.steps ?? 0) + 1;
  const margins = flipping.map(([name, cutoff]) => {
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

/** How many blocks or neurons two sets of scores open differently; masks that modules share count once. */
export function changedGates(layout: Layout, before: Arrays, after: Arrays, threshold: number): number {
  const shared = new Map(layout.modules.map((module) => [JSON.stringify(module.source), module]));
  const once = { ...layout, modules: [...shared.values()] };
  const [one, other] = [before, after].map((scores) => Object.values(hostMasks(once, scores, threshold)));
  return one!.reduce((changed, { mask }, m) => changed + mask.filter((bit, i) => bit !== other![m]!.mask[i]).length, 0);
}

/**
 * What settling needs. Any trained scores can be averaged; chosen by loss are only those that open and close a gate each,
 * on their own.
 *
 * @throws RangeError naming what was expected, and why
 */
export function expectSettling(layout: Layout | undefined, method: Exclude<SettleMethod, "none">): void {
  const fail = (got: string): never => {
    throw new RangeError(`fineprune: settle=${method}: expected scores that are gates of their own, got ${got}`);
  };
  const trained = layout?.scores.filter((tensor) => tensor.trained) ?? [];
  if (layout === undefined) fail("no pruning");
  if (trained.length === 0) fail("magnitudes, which do not train");
  if (method === "average") return;
  for (const { method } of trained) {
    const { ranked, soft } = methodOf(method);
    if (soft) fail(`${nameOf(method)}, whose masks are amounts; settle=average has a meaning`);
    if (ranked) fail(`${nameOf(method)}, which opens a gate only as it closes another; settle=average has a meaning`);
  }
  if (trained.some(({ kind }) => kind === "factor")) {
    fail("rows times columns, none of which opens or closes anything alone; settle=average has a meaning");
  }
}

/**
 * Refuses a threshold that every score is above, or none: no gate is near it.
 *
 * @param scores all of them by name, in the shapes of the layout ([rows, columns] of blocks, [n] neurons)
 * @throws RangeError naming the threshold
 */
export function expectFlipping(layout: Layout, scores: Arrays, threshold: number): void {
  if (Object.values(flips(layout, scores, threshold)).every(Number.isFinite)) return;
  throw new RangeError(`fineprune: settle: expected a final threshold at which gates flip, got ${threshold}`);
}

/** Scores within this of where their gate flips are undecided. */
const UNDECIDED = 0.1;

/** Candidates that are asked for at once. */
export const TOGETHER = 8;

/** Losses of candidates, each the trained scores, in their order. */
export type LossesOf = (candidates: readonly Arrays[]) => Promise<readonly number[]>;

export interface SettleOptions {
  readonly layout: Layout;
  /** All scores. */
  readonly scores: Arrays;
  readonly threshold: number;
  readonly mean: MeanMargins;
  readonly method: Exclude<SettleMethod, "none">;
  /** Validation losses; `greedy` asks about twice for each gate that it decides. */
  readonly losses: LossesOf;
  /** Gates that `greedy` decides, those nearest to the threshold. */
  readonly most?: number;
}

/** The trained scores after settling, by name. */
export async function settle(options: SettleOptions): Promise<Arrays> {
  const { layout, scores, threshold, mean, method } = options;
  const cutoff = flips(layout, scores, threshold);
  const averaged = Object.fromEntries(
    Object.entries(mean.margins).map(([name, { data, shape }]): [string, NDArray] => [
      name,
      ndarray(
        Float32Array.from(data, (margin) => margin + cutoff[name]!),
        shape,
      ),
    ]),
  );
  return method === "average" ? averaged : chosen(averaged, cutoff, options);
}

/** A score whose gate is to be decided, in all tensors that are one storage. */
interface Gate {
  readonly names: readonly string[];
  readonly index: number;
  readonly margin: number;
}

async function chosen(averaged: Arrays, cutoff: Readonly<Record<string, number>>, options: SettleOptions) {
  const { layout, mean, losses, most = 64 } = options;
  const undecided = Object.entries(mean.margins)
    .flatMap(([name, { data }]): Gate[] => {
      if (layout.scores.find((tensor) => tensor.name === name)!.kind !== "mask") return [];
      const names = layout.tied.find((group) => group.includes(name)) ?? [name];
      return names[0] === name ? Array.from(data, (margin, index) => ({ names, index, margin })) : [];
    })
    .filter(({ margin }) => Math.abs(margin) < UNDECIDED)
    .toSorted((a, b) => Math.abs(a.margin) - Math.abs(b.margin))
    .slice(0, most);
  const put = (into: Arrays, { names, index }: Gate, open: boolean) => {
    for (const name of names) into[name]!.data[index] = cutoff[name]! + (open ? 2 : -2) * UNDECIDED;
  };
  // From all of them open on, those first whose closing alone gains most: not from where chance left them.
  const settled = copies(averaged);
  for (const gate of undecided) put(settled, gate, true);
  const without = (gate: Gate): Arrays => {
    const closed = copies(settled);
    put(closed, gate, false);
    return closed;
  };
  const [open, ...alone] = await losses([settled, ...undecided.map(without)]);
  let lowest = open!;
  const order = undecided.map((gate, n) => ({ gate, loss: alone[n]! })).toSorted((a, b) => a.loss - b.loss);
  // As if one after the other: those after one that gains were asked in vain, so that it is one again after a gain.
  for (let [at, count] = [0, 1]; at < order.length;) {
    const next = order.slice(at, at + count).map(({ gate }) => gate);
    const found = await losses(next.map(without));
    const gain = found.findIndex((loss) => loss < lowest);
    if (gain === -1) {
      [at, count] = [at + next.length, TOGETHER];
      continue;
    }
    put(settled, next[gain]!, false);
    lowest = found[gain]!;
    [at, count] = [at + gain + 1, 1];
  }
  return settled;
}

/** Where each trained tensor's gates flip; 0 for rows, columns and patterns, which flip nothing alone. */
function flips(layout: Layout, scores: Arrays, threshold: number): Record<string, number> {
  const others = layout.scores.filter(({ trained, kind }) => trained && kind !== "mask");
  return { ...Object.fromEntries(others.map(({ name }) => [name, 0])), ...cutoffs(layout, scores, threshold) };
}
