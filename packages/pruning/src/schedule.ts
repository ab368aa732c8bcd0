import { methodOf } from "./methods.ts";
import type { PruningSettings } from "./settings.ts";

/** Where a run stands; all counts in optimiser steps. */
export interface Position {
  /** Steps done: 0 in the first. */
  readonly step: number;
  /** T: optimiser steps of the run. */
  readonly totalSteps: number;
  /** w: of one warm-up, which the settings take multiples of; the original's is −1. */
  readonly warmupSteps: number;
  /** Evaluation is at the final threshold wherever the run stands. */
  readonly training: boolean;
}

type Schedule = Pick<
  PruningSettings,
  | "initialThreshold"
  | "finalThreshold"
  | "thresholdSchedule"
  | "initialTemperature"
  | "finalTemperature"
  | "initialWarmup"
  | "finalWarmup"
  | "finalLambda"
  | "lambdaSchedule"
> &
  // Of which a method may bring a curve of its own.
  Partial<Pick<PruningSettings, "attention" | "dense">>;

/** What a step is computed with. */
export interface Scheduled {
  /** τ of the step. */
  readonly threshold: number;
  /** λ, the weight of the regulariser. */
  readonly lambda: number;
  /** T of 2:4 sparsity. */
  readonly temperature: number;
  /** The share of the way that is done: 0 at the first threshold, 1 at the last. */
  readonly progress: number;
}

/**
 * The threshold τ, the regulariser's weight λ and the 2:4 temperature at step s of T with warm-up w (Zhu and Gupta 2017;
 * Lagunas et al. 2021): s ≤ a·w → q = 1; s > T − z·w → q = 0; else q = 1 − (s − a·w)/(T − (a + z)·w).
 * τ = τ1 + (τ0 − τ1)·q³ (cubic), ·q (linear), or τ1 from the start (constant); the temperature likewise.
 * λ = λ_final·τ/τ1, and λ_final where τ1 = 0 or λ is constant. A method with a curve of its own has that for all of them.
 *
 * @throws RangeError for a negative step or number of steps, a warm-up below the original's −1, or NaN
 */
export function schedule(settings: Schedule, position: Position): Scheduled {
  const { finalThreshold, finalLambda, lambdaSchedule } = settings;
  const { step, totalSteps, warmupSteps } = position;
  // The original's warm-up is −1.
  if (!(step >= 0 && totalSteps >= 0 && warmupSteps >= -1))
    throw new RangeError(
      `schedule: expected counts of steps, got ${step} of ${totalSteps} with a warm-up of ${warmupSteps}`,
    );
  const left = leftToGo(settings, position);
  const curve = (ownCurves(settings)[0] ?? curves[settings.thresholdSchedule])(left);
  const between = (first: number, last: number) => last + (first - last) * curve;
  const threshold = between(settings.initialThreshold, finalThreshold);
  const constant = lambdaSchedule === "constant" || finalThreshold === 0;
  return {
    threshold,
    lambda: constant ? finalLambda : (finalLambda * threshold) / finalThreshold,
    temperature: between(settings.initialTemperature, settings.finalTemperature),
    progress: 1 - left,
  };
}

const curves = { cubic: (q: number) => q ** 3, linear: (q: number) => q, constant: () => 0 };

/** The curves that methods bring; one τ serves both groups, so that settings with two are refused. */
export const ownCurves = ({ attention, dense }: Partial<Pick<PruningSettings, "attention" | "dense">>) => [
  ...new Set(
    [attention, dense].flatMap((group) => {
      const curve = group === undefined || group.method === "disabled" ? undefined : methodOf(group.method).curve;
      return curve === undefined ? [] : [curve];
    }),
  ),
];

/** Steps between the first threshold and the last, T − (a + z)·w; with none left, 0 or less, the threshold jumps. */
export const rampSteps = (
  { initialWarmup, finalWarmup }: Pick<PruningSettings, "initialWarmup" | "finalWarmup">,
  { totalSteps, warmupSteps }: Pick<Position, "totalSteps" | "warmupSteps">,
): number => totalSteps - (initialWarmup + finalWarmup) * warmupSteps;

/** q: the share of the way from the first threshold to the last that is still to go. */
function leftToGo(settings: Schedule, { step, totalSteps, warmupSteps, training }: Position): number {
  const { initialWarmup, finalWarmup } = settings;
  if (!training) return 0;
  if (step <= initialWarmup * warmupSteps) return 1;
  if (step > totalSteps - finalWarmup * warmupSteps) return 0;
  return 1 - (step - initialWarmup * warmupSteps) / rampSteps(settings, { totalSteps, warmupSteps });
}
