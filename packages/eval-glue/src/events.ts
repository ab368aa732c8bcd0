import type { GlueTask } from "@pruning-bias/data";
import type { Checkpoint } from "@pruning-bias/model";
import type { NDArray } from "@pruning-bias/runtime";
import type { TrainingState } from "@pruning-bias/training";
import type { SplitScore } from "./evaluate.ts";

interface Position {
  /** Steps made. */
  readonly step: number;
  readonly totalSteps: number;
  /** From 1. */
  readonly epoch: number;
}

/** A step that was made. */
export interface StepEvent extends Position {
  /** Which event it is. */
  readonly kind: "step";
  /** Mean loss of the batch: cross entropy in nats, or squared error. */
  readonly loss: number;
  /** Of the step. */
  readonly learningRate: number;
  /** L2 norm of all gradients, before clipping. */
  readonly gradientNorm: number;
  /** Tokens of the batch without padding. */
  readonly tokens: number;
  /** A copy of everything that the steps to come depend on. */
  readonly state: () => TrainingState;
}

/** How an epoch ended. */
export interface EpochScores {
  /** From 1. */
  readonly epoch: number;
  /** Mean training loss of the epoch: cross entropy in nats, or squared error. */
  readonly loss: number;
  /** By validation split. */
  readonly scores: Readonly<Record<string, SplitScore>>;
}

/** The end of an epoch. */
export interface EpochEvent extends Position, EpochScores {
  /** Which event it is. */
  readonly kind: "epoch";
  /** A copy of everything that the steps to come depend on. */
  readonly state: () => TrainingState;
}

/** The end of a fine-tuning. */
export interface DoneEvent extends Position, EpochScores {
  /** Which event it is. */
  readonly kind: "done";
  /** That the classifier was trained on. */
  readonly task: GlueTask;
  /** Which epoch counts. */
  readonly keep: "last" | "best";
  /** Of every epoch; `epoch`, `loss` and `scores` beside it are those of the one that counts. */
  readonly history: readonly EpochScores[];
  /** [N, classes] by split, test splits too. */
  readonly logits: Readonly<Record<string, NDArray>>;
  /** The classifier as trained. Where it is pruned, its closed weights are still there, as they were; by magnitude they are 0. */
  readonly checkpoint: Checkpoint;
}

/** What `finetune` yields. */
export type FinetuneEvent = StepEvent | EpochEvent | DoneEvent;
