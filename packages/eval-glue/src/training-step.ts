import { batchHalves } from "@pruning-bias/data";
import { expectConvergence, type HostOptimizer, linearSchedule, type OptimizerState } from "@pruning-bias/training";
import { type Classifier, PARTS } from "./classifier.ts";
import type { Examples } from "./examples.ts";
import { batchGradients, clipScale, type Pressure } from "./gradients.ts";
import type { FinetuneOptions } from "./options.ts";
import type { Subject } from "./predict.ts";

/** What stays the same from step to step. */
export interface TrainingStepOptions extends Required<
  Pick<FinetuneOptions, "tokenBudget" | "sideBySide" | "seed" | "warmupSteps" | "learningRate" | "maxGradientNorm">
> {
  readonly optimizer: HostOptimizer;
  readonly totalSteps: number;
  /** The token whose embedding is not trained. */
  readonly padding: number | null;
}

/** What a step is computed from. */
export interface StepInputs {
  readonly state: OptimizerState;
  readonly subject: Subject;
  /** [n]: the examples of the batch. */
  readonly rows: Int32Array;
  /** Steps made before. */
  readonly step: number;
  /** From 1. */
  readonly epoch: number;
  /** The loss of the run's first step; none before it. */
  readonly firstLoss: number | undefined;
  /** Where the scores train. */
  readonly pressure?: Pressure;
}

/**
 * Steps of training a classifier, whether its scores are among what is trained or not: gradients of the batch's halves, clipped
 * by their global norm, and AdamW at the rate that falls linearly (run_glue's). Each writes the state that it is given.
 *
 * @throws DivergenceError, from a step, where the loss is no number or explodes
 */
export function trainingSteps(model: Classifier, training: Examples, options: TrainingStepOptions) {
  const { tokenBudget, totalSteps, warmupSteps, learningRate, maxGradientNorm, optimizer } = options;
  const { task } = training.source;
  const gradientsOf = batchGradients(model, training, options);
  return async ({ state, subject, rows, step, epoch, pressure, ...before }: StepInputs) => {
    const halves = batchHalves(rows, training.lengths, { tokenBudget, parts: PARTS });
    const made = await gradientsOf(subject, halves, { size: rows.length, step, ...(pressure && { pressure }) });
    const { loss, penalty, gradients, more } = made;
    const gradientNorm = await optimizer.sum(gradients, more);
    const all = loss + penalty;
    const firstLoss = before.firstLoss ?? all;
    const batch = `epoch ${epoch} of ${task}, examples ${rows.subarray(0, 8).join(", ")} …`;
    expectConvergence({ step: step + 1, batch, loss: all, gradientNorm, firstLoss });
    const factor = linearSchedule(step, totalSteps, warmupSteps);
    return {
      ...{ loss, penalty, gradientNorm, firstLoss, learningRate: learningRate * factor },
      state: await optimizer.update(state, gradients, factor, clipScale(gradientNorm, maxGradientNorm)),
    };
  };
}
