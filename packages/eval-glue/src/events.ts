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

/** One update was made. */
export interface StepEvent extends Position {
  readonly kind: "step";
  /** Mean loss of the batch. */
  readonly loss: number;
  readonly learningRate: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** Tokens of the batch without padding. */
  readonly tokens: number;
  /** Everything that the steps to come depend on; its arrays are the run's own until the next event is asked for. */
  readonly state: () => TrainingState;
}

/** How an epoch ended. */
export interface EpochScores {
  readonly epoch: number;
  /** Mean training loss of the epoch. */
  readonly loss: number;
  /** By split. */
  readonly scores: Readonly<Record<string, SplitScore>>;
}

/** An epoch ended and was scored. */
export interface EpochEvent extends Position, EpochScores {
  readonly kind: "epoch";
  readonly state: () => TrainingState;
}

/** Fine-tuning ended. */
export interface DoneEvent extends Position, EpochScores {
  readonly kind: "done";
  readonly task: GlueTask;
  readonly keep: "last" | "best";
  /** Of every epoch; `epoch`, `loss` and `scores` beside it are those of the one that counts. */
  readonly history: readonly EpochScores[];
  /** (N, classes) by split, test splits too. */
  readonly logits: Readonly<Record<string, NDArray>>;
  /** The classifier as trained. Where it is pruned, its closed weights are still there, as they were. */
  readonly checkpoint: Checkpoint;
}

/** What fine-tuning tells of while it runs, by `kind`. */
export type FinetuneEvent = StepEvent | EpochEvent | DoneEvent;
