import type { Layout } from "@pruning-bias/pruning";
import type { NDArray } from "@pruning-bias/runtime";
import type { TrainingState } from "@pruning-bias/training";
import type { Losses } from "./losses.ts";
import type { Parameters } from "./parameters.ts";

export interface StepEvent extends Losses {
  readonly kind: "step";
  /** From 1: updates made. */
  readonly step: number;
  readonly totalSteps: number;
  readonly epoch: number;
  /** α·L_debias + β·L_keep + weight·L_prune. */
  readonly loss: number;
  readonly lossPrune: number;
  readonly threshold: number;
  readonly lambda: number;
  /** Of each parameter group: scores, weights without decay, weights. */
  readonly learningRates: readonly number[];
  /** Open blocks of each masked module in this step's forward pass. */
  readonly openBlocks: readonly number[];
  /** Real tokens that went through the encoder. */
  readonly tokens: number;
  /** Norm of all gradients. */
  readonly gradientNorm: number;
  /** Everything that the steps to come depend on; its arrays are the run's own until the next event is asked for. */
  readonly state: () => TrainingState;
}

export interface EpochEvent {
  readonly kind: "epoch";
  readonly epoch: number;
  readonly step: number;
  /** (2, D): the static attributes, male and female. */
  readonly attributes: NDArray;
  /** Copies them as they are until the next event is asked for. */
  readonly parameters: () => Parameters;
}

export interface ValidationEvent extends Losses {
  readonly kind: "validation";
  readonly step: number;
  readonly epoch: number;
  /** α·L_debias + β·L_keep in evaluation mode, at the final threshold. */
  readonly loss: number;
  readonly threshold: number;
  /** Copies them as they are until the next event is asked for. */
  readonly parameters: () => Parameters;
}

export type FinepruneEvent = StepEvent | EpochEvent | ValidationEvent;

/** What fine-pruning leaves. */
export interface FinepruneResult extends Parameters {
  readonly layout: Layout | undefined;
  readonly threshold: number;
  readonly steps: number;
}
