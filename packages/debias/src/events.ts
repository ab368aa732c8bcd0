import type { Layout } from "@pruning-bias/pruning";
import type { NDArray } from "@pruning-bias/runtime";
import type { TrainingState } from "@pruning-bias/training";
import type { Gates } from "./gates.ts";
import type { Losses } from "./losses.ts";
import type { Parameters } from "./parameters.ts";
import type { SettleMethod } from "./settle.ts";

/** A step that was made; its gates are those of its forward pass. */
export interface StepEvent extends Losses, Gates {
  /** Which event it is. */
  readonly kind: "step";
  /** From 1: updates made. */
  readonly step: number;
  /** Of the run, unless it stops early. */
  readonly totalSteps: number;
  /** Updates of an epoch. */
  readonly stepsPerEpoch: number;
  /** From 0. */
  readonly epoch: number;
  /** α·L_debias + β·L_keep + pruneWeight·L_prune. */
  readonly loss: number;
  /** L_prune, before its weight; 0 where no scores train. */
  readonly lossPrune: number;
  /** What L_prune enters the loss with: λ, or 1 as in the original's code. */
  readonly pruneWeight: number;
  /** τ of the step. */
  readonly threshold: number;
  /** λ of the step. */
  readonly lambda: number;
  /** Of each parameter group: scores, weights without decay, weights. */
  readonly learningRates: readonly number[];
  /** Real tokens that went through the encoder. */
  readonly tokens: number;
  /** L2 norm of all gradients, before clipping. */
  readonly gradientNorm: number;
  /**
   * Everything that the steps to come depend on, before the validation that may follow; its arrays are the run's own until the
   * next step, after the last for good.
   *
   * @throws DivergenceError where the step has left parameters that are no numbers
   */
  readonly state: () => TrainingState;
}

/** The start of an epoch. */
export interface EpochEvent {
  /** Which event it is. */
  readonly kind: "epoch";
  /** From 0. */
  readonly epoch: number;
  /** Updates made before it. */
  readonly step: number;
  /** [2, hidden]: the static attributes, male and female. */
  readonly attributes: NDArray;
  /** Copies them as they are until the next event is asked for. */
  readonly parameters: () => Parameters;
}

/** Losses in evaluation mode, and the gates, at a threshold. */
export interface Evaluation extends Losses, Gates {
  /** α·L_debias + β·L_keep. */
  readonly loss: number;
  /** τ that the masks are at; 0 where nothing is pruned. */
  readonly threshold: number;
}

/**
 * Losses at the final threshold, as the original takes them wherever a run stands: of the model that it would leave if it
 * ended here.
 */
export interface ValidationEvent extends Evaluation {
  /** Which event it is. */
  readonly kind: "validation";
  /** Updates made before it; 0 before training. */
  readonly step: number;
  /** From 0. */
  readonly epoch: number;
  /** The same at the threshold that training is at: of the model that is being trained. */
  readonly current: Evaluation;
  /** Whether no validation before had a lower loss; the one before training does not count. */
  readonly best: boolean;
  /** Copies them as they are until the next event is asked for. */
  readonly parameters: () => Parameters;
}

/** Losses at the final threshold when the undecided gates are settled. */
export interface SettledEvent extends Evaluation {
  /** Which event it is. */
  readonly kind: "settled";
  /** Updates made before it: all of the run. */
  readonly step: number;
  /** How gates were settled. */
  readonly method: SettleMethod;
  /** Steps that the average is over: the last quarter; those since the lowest loss where a run stopped before. */
  readonly averaged: number;
  /** Gates that are not as the last step left them. */
  readonly changed: number;
  /** The same before. */
  readonly before: Evaluation;
  /** Copies them as they are until the next event is asked for. */
  readonly parameters: () => Parameters;
}

/** What `fineprune` yields. */
export type FinepruneEvent = StepEvent | EpochEvent | ValidationEvent | SettledEvent;

/** What fine-pruning leaves. */
export interface FinepruneResult extends Parameters {
  /** Which scores gate what; none where nothing is pruned. */
  readonly layout: Layout | undefined;
  /** The final τ; 0 where nothing is pruned. */
  readonly threshold: number;
  /** Steps made; fewer than planned where a run stopped early. */
  readonly steps: number;
  /** The step whose parameters these are. */
  readonly bestStep: number;
}
