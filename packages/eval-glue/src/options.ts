import type { GlueTokens } from "@pruning-bias/data";
import type { Checkpoint } from "@pruning-bias/model";
import type { Pruned } from "@pruning-bias/pruning";
import { jit, type Jit } from "@pruning-bias/runtime";
import type { AdamWOptions, TrainingState } from "@pruning-bias/training";
import type { BatchOrder } from "./batches.ts";

/** What a fine-tuning starts from, and run_glue's settings with its defaults. */
export interface FinetuneOptions {
  /** An encoder; heads other than its pooler are not used. */
  readonly checkpoint: Checkpoint;
  /** The examples to train on. */
  readonly train: GlueTokens;
  /** Scored after each epoch; MNLI has two. */
  readonly validation: readonly GlueTokens[];
  /** Predicted at the end; none by default. */
  readonly test?: readonly GlueTokens[];
  /** Masks the encoder with these scores, which stay as they are while the weights train; none by default. */
  readonly pruned?: Pruned | undefined;
  /**
   * Trains a head on the encoder as it is. What it makes of the examples is computed once, without dropout. `false` by
   * default.
   */
  readonly freezeEncoder?: boolean;
  /** What compiles programs; ONNX graphs on the processor by default. */
  readonly jit?: Jit;
  /** Passes over the examples; 3 by default. */
  readonly epochs?: number;
  /** Examples of a step; 32 by default. */
  readonly batchSize?: number;
  /** How the examples of a batch are chosen; `random` by default. */
  readonly order?: BatchOrder;
  /** Its highest, 2e-5 by default. */
  readonly learningRate?: number;
  /** Steps in which the learning rate rises from 0; 0 by default. */
  readonly warmupSteps?: number;
  /** Decay of all weights but biases and LayerNorms; 0 by default. */
  readonly weightDecay?: number;
  /** Gradients are scaled down to this norm, all weights together; Infinity for never, 1 by default. */
  readonly maxGradientNorm?: number;
  /** AdamW's constants, by default those of `AdamWOptions`. */
  readonly optimizer?: Omit<AdamWOptions, "weightDecay">;
  /** Of hidden states, attention and the head alike; by default as the model's config has them. */
  readonly dropout?: number | undefined;
  /** Which epoch's classifier is handed back, predicts and counts: of equals the earlier. `last` by default. */
  readonly keep?: "last" | "best";
  /** Most tokens of a half of a batch that go through the encoder at once, padding counted: what decides the memory. 2048 by default. */
  readonly tokenBudget?: number;
  /**
   * Computes the two halves of a batch at once: for a `jit` with two lanes of half the cores each. The numbers are the same.
   * `false` by default.
   */
  readonly sideBySide?: boolean;
  /** Of the head's first weights, the order of examples, and dropout; 42 by default. */
  readonly seed?: number;
  /** Goes on from here, with the settings and data that this state came from; from the start by default. */
  readonly resume?: TrainingState | undefined;
}

/** run_glue's settings, where others are not given. */
export function withDefaults<O extends Pick<FinetuneOptions, keyof typeof defaults>>(options: O) {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) } as O & Required<Pick<FinetuneOptions, keyof typeof defaults>>;
}

const defaults = {
  ...{ jit, epochs: 3, batchSize: 32, order: "random", learningRate: 2e-5, warmupSteps: 0, weightDecay: 0 },
  ...{ maxGradientNorm: 1, optimizer: {}, tokenBudget: 2048, sideBySide: false, seed: 42 },
} as const;
