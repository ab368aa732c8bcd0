import type { Checkpoint } from "@pruning-bias/model";
import type { PruningSettings } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import type { Arrays, TrainingState } from "@pruning-bias/training";
import type { DebiasMode, EmbeddingLayer } from "./embeddings.ts";
import type { LossForm } from "./loss.ts";
import type { DebiasBatch, DebiasSentences } from "./losses.ts";
import type { OriginalStore } from "./original.ts";
import type { SettleMethod } from "./settle.ts";

/** What fine-pruning starts from and how it runs; every default is the paper's (Joniak and Aizawa 2022) but for `lossForm`. */
export interface FinepruneOptions {
  readonly checkpoint: Checkpoint;
  readonly train: DebiasSentences;
  readonly validation?: DebiasSentences;
  /** What to prune and how; without it nothing is pruned and all weights of the encoder train. */
  readonly pruning?: PruningSettings;
  /** Scores to start from, by name; by default those of `pruning`. */
  readonly scores?: Arrays;
  /** Train the scores alone. */
  readonly freezeWeights?: boolean;
  /** Hidden states that L_debias reads; `last` by default. */
  readonly embeddingLayer?: EmbeddingLayer;
  /** Rows that L_debias reads of a sentence; `sentence`, all its tokens, by default. */
  readonly debiasMode?: DebiasMode;
  /** `sum_of_squares` by default (Kaneko and Bollegala 2021, Eq. 1); `squared_sum` under `compat: "reference"`. */
  readonly lossForm?: LossForm;
  /** Weights of L_debias (.2 by default) and L_keep (.8). */
  readonly alpha?: number;
  readonly beta?: number;
  /** Of the weights, 5e-5 by default; the scores' own is in `pruning`. */
  readonly learningRate?: number;
  /** Of weights that are no biases or LayerNorms; 0 by default. */
  readonly weightDecay?: number;
  /** Optimiser steps of linear warm-up, in which the threshold stays where it starts too; 0 by default. */
  readonly warmupSteps?: number;
  /** Adam's; 1e-6 by default where something is pruned, 1e-8 else. */
  readonly eps?: number;
  /** Which AdamW: transformers 4.12's, by default, or PyTorch's; see `adamW`. */
  readonly variant?: "transformers" | "torch";
  /** Target sentences of a step, and attribute sentences; 128 by default. */
  readonly batchSize?: number;
  /** Passes over the longer of the two streams; 5 by default. */
  readonly epochs?: number;
  /** Batches of an epoch that are used; all by default. */
  readonly limitBatches?: number;
  /** Stops after so many steps; the schedules are made for no more. */
  readonly maxSteps?: number;
  /** Evenly spread, the last at an epoch's end; 2 by default. */
  readonly validationsPerEpoch?: number;
  /** Largest norm of all gradients together; larger ones are scaled down to it. Infinite by default. */
  readonly clipNorm?: number;
  /** Stops after so many validations without a lower loss at the final threshold. */
  readonly patience?: number;
  /** Ends with the parameters of the validation with the lowest loss, and not with the last ones. */
  readonly keepBest?: boolean;
  /** Sentences of a class that the static attributes are the mean of; all of the smaller class by default. */
  readonly staticSentences?: number;
  /** Dropout with the probabilities of the model's config while training. */
  readonly dropout?: boolean;
  /** Training steps in training mode; without it they have no noise and the final threshold, as evaluations do. */
  readonly trainMode?: boolean;
  /** Computes as the reference's code does where that differs from what it should (REFERENCE, section 7). */
  readonly compat?: "default" | "reference";
  /** Tokens that the reference pads to, 128 by default. */
  readonly referenceWidth?: number;
  /** Tokens that go through the encoder at once, padding counted; 1024 by default. Gradients are summed, and means are over the batch. */
  readonly tokenBudget?: number;
  /** Most sentences that do; as many as the budget allows by default. */
  readonly microbatch?: number;
  /** Bytes in which embeddings of the original model may be kept, so that a sentence goes through it once; 1e9 by default. */
  readonly originalCache?: number;
  /** Where they outlive the run; read before and written after it, where that is sooner than to compute them. */
  readonly originals?: OriginalStore;
  /** The batches of an epoch; by default drawn from `seed`. */
  readonly batches?: (epoch: number) => readonly DebiasBatch[];
  /** What becomes of gates that training leaves undecided; `none` by default, as in the paper. */
  readonly settle?: SettleMethod;
  /** Validation sentences of each class that `settle: "greedy"` decides by; 100 by default. */
  readonly settleSentences?: number;
  /** Of batches, dropout and drawn scores; 42 by default. */
  readonly seed?: number;
  /** Goes on from here, with the settings that this state came from. */
  readonly resume?: TrainingState;
  readonly jit?: Jit;
  /**
   * Micro-batches that are computed at once, for a `jit` of as many lanes; 1 by default. Their gradients are summed for each
   * device and then in the order of devices: the last bits depend on the number of devices and on nothing else.
   */
  readonly devices?: number;
}
