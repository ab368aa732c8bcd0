import { type Binariser, type MethodName, methodOf, nameOf } from "./methods.ts";
import { rampSteps } from "./schedule.ts";
import type { PruningSettings } from "./settings.ts";

/** What a run will be like, as far as pruning settings can fail on it. */
export interface PlannedRun {
  /** Optimiser steps of the run. */
  readonly totalSteps: number;
  /** Of one warm-up, which the settings take multiples of. */
  readonly warmupSteps: number;
  /** Whether the loss depends on the masked layers at all; if not, only the regulariser moves scores. It does where absent. */
  readonly lossReachesScores?: boolean;
  /** Whether weights train too; not said where absent. */
  readonly trainsWeights?: boolean;
}

/**
 * What must end badly with these settings, one sentence each, said before training: everything closes, nothing moves, the
 * threshold jumps, one τ means two things. Settings that cannot work at all are errors of `parsePruningSettings`.
 */
export function pruningWarnings(settings: PruningSettings, run: PlannedRun): string[] {
  const { attention, dense, initialThreshold, finalThreshold, scoreInit, initialScore } = settings;
  const groups = Object.entries({ attention, dense }).flatMap(([name, { method, layout }]) =>
    method === "disabled" ? [] : [{ name, method, layout }],
  );
  const zero = scoreInit === "constant" && initialScore === 0;
  const warnings: string[] = [];

  if (run.lossReachesScores === false && run.trainsWeights !== true && settings.regularization !== "none") {
    warnings.push(
      "the loss does not depend on the masked layers and weights are frozen: the regulariser alone moves the scores, all " +
        "fall together, and everything closes at once",
    );
  } else if (run.lossReachesScores === false && run.trainsWeights !== true) {
    warnings.push("the loss does not depend on the masked layers and weights are frozen: nothing will change");
  }
  if (groups.length > 0 && groups.every(({ method }) => methodOf(method).ofWeights) && run.trainsWeights === false) {
    warnings.push("magnitudes have no scores to train and weights are frozen: nothing will change but the threshold");
  }
  for (const { name, method, layout } of groups) {
    const closedAt = (threshold: number) => allClosed(method, layout, settings, threshold);
    if (zero && layout === "1d") {
      warnings.push(
        `${name}: scores are products of rows and columns, and from zero on neither gets a gradient: start them at another ` +
          "constant, uniform or kaiming",
      );
    }
    if (closedAt(initialThreshold)) {
      warnings.push(
        `${name}: ${nameOf(method)} at the initial threshold ${initialThreshold} closes everything that starts at ${initialScore}: ` +
          `${typeof method === "string" ? advice[method] : "start its scores or the threshold elsewhere"}`,
      );
    } else if (method === "sigmoid_threshold" && finalThreshold >= 1) {
      warnings.push(`${name}: no σ(S) is above the final threshold ${finalThreshold}: everything closes`);
    } else if (methodOf(method).ranked && finalThreshold === 0) {
      warnings.push(`${name}: the final threshold is a density for ${nameOf(method)}, and 0 keeps nothing`);
    }
  }
  const [densities, thresholds] = [true, false].map((ranked) =>
    groups.filter(({ method }) => methodOf(method).ranked === ranked && method !== "l0"),
  );
  if (densities!.length > 0 && thresholds!.length > 0) {
    warnings.push(
      `one τ from ${initialThreshold} to ${finalThreshold} is the density that ${densities![0]!.name} keeps (${nameOf(densities![0]!.method)}) ` +
        `and the threshold of ${thresholds![0]!.name} (${nameOf(thresholds![0]!.method)})`,
    );
  }
  const ramp = rampSteps(settings, run);
  if (ramp <= 0 && settings.thresholdSchedule !== "constant" && initialThreshold !== finalThreshold) {
    const { initialWarmup, finalWarmup } = settings;
    warnings.push(
      `warm-ups of ${initialWarmup} and ${finalWarmup} times ${run.warmupSteps} steps are longer than the run of ` +
        `${run.totalSteps}: the threshold jumps from ${initialThreshold} to ${finalThreshold}`,
    );
  }
  return warnings;
}

const advice: Record<MethodName, string> = {
  sigmoid_threshold: "start below σ of that",
  threshold: "start the threshold below the scores",
  topK: "the threshold is the density to keep, 1 at first",
  magnitude: "the threshold is the density to keep, 1 at first",
  l0: "start scores higher",
};

/** Whether equal scores at their constant start are all closed. */
function allClosed(
  method: Binariser["method"],
  layout: PruningSettings["attention" | "dense"]["layout"],
  { scoreInit, initialScore, minElements }: PruningSettings,
  threshold: number,
): boolean {
  if (methodOf(method).ranked) return threshold === 0;
  if (scoreInit !== "constant" || minElements > 0) return false;
  const start = layout === "1d" ? initialScore ** 2 : initialScore;
  return methodOf(method).hostMask(Float32Array.of(start), threshold, 0)[0] === 0;
}
