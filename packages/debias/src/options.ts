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
  /** The model to debias, which is the original that L_keep compares with. */
  readonly checkpoint: Checkpoint;
  /** Sentences to train on, some of each class. */
  readonly train: DebiasSentences;
  /** Sentences that validations are computed on; no validations without them. */
  readonly validation?: DebiasSentences;
  /** What to prune and how; without it nothing is pruned and all weights of the encoder train. */
  readonly pruning?: PruningSettings;
  /**
   * Scores to start from, by name, in the shapes of the layout ([rows, columns] of blocks, [n] neurons); by default those of
   * `pruning`.
   */
  readonly scores?: Arrays;
  /** Train the scores alone; the default where something is pruned. */
  readonly freezeWeights?: boolean;
  /** Hidden states that L_debias reads; `last` by default. */
  readonly embeddingLayer?: EmbeddingLayer;
  /** Rows that L_debias reads of a sentence; `sentence`, all its tokens, by default. Layer `CLS` has one row in either. */
  readonly debiasMode?: DebiasMode;
  /** `sum_of_squares` by default (Kaneko and Bollegala 2021, Eq. 1); `squared_sum` under `compat: "reference"`. */
  readonly lossForm?: LossForm;
  /** α, weight of L_debias; .2 by default. */
  readonly alpha?: number;
  /** β, weight of L_keep; .8 by default. */
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
  /** Stops after so many steps; the schedules are made for no more. No limit by default. */
  readonly maxSteps?: number;
  /** Validations of an epoch, evenly spread, the last at its end; 2 by default. */
  readonly validationsPerEpoch?: number;
  /** Largest norm of all gradients together; larger ones are scaled down to it. Infinite by default. */
  readonly clipNorm?: number;
  /** Stops after so many validations without a lower loss at the final threshold; never by default. */
  readonly patience?: number;
  /** Ends with the parameters of the validation with the lowest loss, and not with the last ones; `false` by default. */
  readonly keepBest?: boolean;
  /** Sentences of a class that the static attributes are the mean of; all of the smaller class by default. */
  readonly staticSentences?: number;
  /** Dropout with the probabilities of the model's config while training; `true` by default. */
  readonly dropout?: boolean;
  /** Training steps in training mode, the default; without it they have no noise and the final threshold, as evaluations do. */
  readonly trainMode?: boolean;
  /** Computes as the reference's code does where that differs from what it should (docs/explanation.md); `default` does not. */
  readonly compat?: "default" | "reference";
  /** Tokens that the reference pads to, 128 by default. */
  readonly referenceWidth?: number;
  /**
   * Tokens that go through the encoder at once, padding counted; 1024 by default. Gradients are summed, and means are over the
   * batch; noise, dropout's and l0's, is drawn for each piece.
   */
  readonly tokenBudget?: number;
  /** Most sentences that go through the encoder at once; as many as the budget allows by default. */
  readonly microbatch?: number;
  /** Bytes in which embeddings of the original model may be kept, so that a sentence goes through it once; 1e9 by default. */
  readonly originalCache?: number;
  /**
   * Where embeddings of the original model outlive the run, nowhere by default; read before and written after it, where that
   * is sooner than to compute them.
   */
  readonly originals?: OriginalStore;
  /** The batches of an epoch, as many in each, none without targets or attributes; by default drawn from `seed`. */
  readonly batches?: (epoch: number) => readonly DebiasBatch[];
  /** What becomes of gates that training leaves undecided; `none` by default, as in the paper. */
  readonly settle?: SettleMethod;
  /** Validation sentences of each class that `settle: "greedy"` decides by; 100 by default. */
  readonly settleSentences?: number;
  /** Of batches, dropout and drawn scores; 42 by default. */
  readonly seed?: number;
  /** Goes on from here, with the settings that this state came from; from the start by default. */
  readonly resume?: TrainingState;
  /** What compiles programs; TensorFlow.js functions as ONNX graphs on the processor by default. */
  readonly jit?: Jit;
  /**
   * Micro-batches that are computed at once, for a `jit` of as many lanes; 1 by default. Their gradients are summed for each
   * device and then in the order of devices: the last bits depend on the number of devices and on nothing else.
   */
  readonly devices?: number;
}
