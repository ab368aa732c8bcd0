import type { GlueTokens } from "@pruning-bias/data";
import type { Checkpoint } from "@pruning-bias/model";
import type { Pruned } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import type { AdamWOptions, TrainingState } from "@pruning-bias/training";
import type { BatchOrder } from "./batches.ts";

/** What a fine-tuning starts from, and run_glue's settings with its defaults. */
export interface FinetuneOptions {
  /** An encoder; heads other than its pooler are not used. */
  readonly checkpoint: Checkpoint;
  readonly train: GlueTokens;
  /** Scored after each epoch; MNLI has two. */
  readonly validation: readonly GlueTokens[];
  /** Predicted at the end. */
  readonly test?: readonly GlueTokens[];
  /** Masks the encoder with these scores, which stay as they are while the weights train. */
  readonly pruned?: Pruned | undefined;
  /** Trains a head on the encoder as it is. What it makes of the examples is computed once, without dropout. */
  readonly freezeEncoder?: boolean;
  readonly jit?: Jit;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly order?: BatchOrder;
  readonly learningRate?: number;
  readonly warmupSteps?: number;
  /** Decay of all weights but biases and LayerNorms. */
  readonly weightDecay?: number;
  /** Gradients are scaled down to this norm, all weights together; Infinity for never. */
  readonly maxGradientNorm?: number;
  readonly optimizer?: Omit<AdamWOptions, "weightDecay">;
  /** Of hidden states, attention and the head alike; by default as the model's config has them. */
  readonly dropout?: number | undefined;
  /** Which epoch's classifier is handed back, predicts and counts: of equals the earlier. */
  readonly keep?: "last" | "best";
  /** Most tokens that go through the encoder at once, padding counted: what decides the memory. */
  readonly tokenBudget?: number;
  /** Computes the two halves of a batch at once: for a `jit` with two lanes of half the cores each. The numbers are the same. */
  readonly sideBySide?: boolean;
  /** Of the head's first weights, the order of examples, and dropout. */
  readonly seed?: number;
  /** Goes on from here, with the settings and data that this state came from. */
  readonly resume?: TrainingState | undefined;
}
