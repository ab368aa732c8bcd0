import type { PruningSettings } from "./settings.ts";

/** Where a run stands; all counts in optimiser steps. */
export interface Position {
  /** Steps done: 0 in the first. */
  readonly step: number;
  readonly totalSteps: number;
  readonly warmupSteps: number;
  /** Evaluation is at the final threshold wherever the run stands. */
  readonly training: boolean;
}

type Schedule = Pick<
  PruningSettings,
  "initialThreshold" | "finalThreshold" | "initialWarmup" | "finalWarmup" | "finalLambda" | "lambdaSchedule"
>;

/**
 * The threshold τ and the regulariser's weight λ at step s of T with warm-up w (Zhu and Gupta 2017; Lagunas et al. 2021):
 * s ≤ a·w → τ0; s > T − z·w → τ1; else τ = τ1 + (τ0 − τ1)·q³ with q = 1 − (s − a·w)/(T − (a + z)·w).
 * λ = λ_final·τ/τ1, and λ_final where τ1 = 0 or λ is constant.
 */
export function schedule(settings: Schedule, position: Position): { threshold: number; lambda: number } {
  const { finalThreshold, finalLambda, lambdaSchedule } = settings;
  const threshold = thresholdAt(settings, position);
  const constant = lambdaSchedule === "constant" || finalThreshold === 0;
  return { threshold, lambda: constant ? finalLambda : (finalLambda * threshold) / finalThreshold };
}

/** Steps between the first threshold and the last, T − (a + z)·w; with none left the threshold jumps. */
export const rampSteps = (
  { initialWarmup, finalWarmup }: Pick<PruningSettings, "initialWarmup" | "finalWarmup">,
  { totalSteps, warmupSteps }: Pick<Position, "totalSteps" | "warmupSteps">,
): number => totalSteps - (initialWarmup + finalWarmup) * warmupSteps;

function thresholdAt(settings: Schedule, { step, totalSteps, warmupSteps, training }: Position): number {
  const { initialThreshold, finalThreshold, initialWarmup, finalWarmup } = settings;
  if (!training) return finalThreshold;
  if (step <= initialWarmup * warmupSteps) return initialThreshold;
  if (step > totalSteps - finalWarmup * warmupSteps) return finalThreshold;
  const left = 1 - (step - initialWarmup * warmupSteps) / rampSteps(settings, { totalSteps, warmupSteps });
  return finalThreshold + (initialThreshold - finalThreshold) * left ** 3;
}
