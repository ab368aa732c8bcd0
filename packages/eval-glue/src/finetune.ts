import { type GlueExamples, type GlueTask, glueTasks, type Tokenizer } from "@pruning-bias/data";
import { type Checkpoint, maxTokens, withHead } from "@pruning-bias/model";
import { generator, type Jit, jit as compiled } from "@pruning-bias/runtime";
import {
  type AdamWOptions,
  initialState,
  linearSchedule,
  optimizer,
  type ParameterGroup,
} from "@pruning-bias/training";
import { majorityBaseline } from "./baseline.ts";
import { trainingBatches } from "./batches.ts";
import type { Pruned } from "@pruning-bias/pruning";
import { classifier } from "./classifier.ts";
import { evaluate, type Evaluation } from "./evaluate.ts";
import { encodeExamples, glueBatch } from "./examples.ts";
import type { Metrics } from "./metrics.ts";

export interface FinetuneOptions {
  /** An encoder; heads other than its pooler are not used. */
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly task: GlueTask;
  readonly train: GlueExamples;
  /** By name of the split: MNLI has two. */
  readonly validation: Readonly<Record<string, GlueExamples>>;
  /** Masks the encoder with these scores, which stay as they are while the weights train. */
  readonly pruned?: Pruned | undefined;
  readonly jit?: Jit;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly warmupSteps?: number;
  /** Decay of all weights but biases and LayerNorms. */
  readonly weightDecay?: number;
  /** Gradients are scaled down to this norm, all weights together; Infinity for never. */
  readonly maxGradientNorm?: number;
  readonly optimizer?: Omit<AdamWOptions, "weightDecay">;
  /** Of the head's first weights, the order of examples, and dropout. */
  readonly seed?: number;
}

/** A validation split's score, beside that of always guessing the most frequent class. */
export interface SplitScore extends Evaluation {
  readonly baseline: Metrics;
}

interface Position {
  /** Steps made. */
  readonly step: number;
  readonly totalSteps: number;
  /** From 1. */
  readonly epoch: number;
}

export type FinetuneEvent =
  | (Position & {
      readonly kind: "step";
      readonly loss: number;
      readonly learningRate: number;
      /** Before clipping. */
      readonly gradientNorm: number;
      /** Tokens of the batch without padding. */
      readonly tokens: number;
    })
  | (Position & {
      readonly kind: "epoch";
      /** Mean training loss of the epoch. */
      readonly loss: number;
      readonly scores: Readonly<Record<string, SplitScore>>;
    })
  | (Position & {
      readonly kind: "done";
      readonly task: GlueTask;
      readonly loss: number;
      readonly scores: Readonly<Record<string, SplitScore>>;
      /** The classifier as trained. Where it is pruned, its closed weights are still there, as they were. */
      readonly checkpoint: Checkpoint;
    });

/**
 * Fine-tunes a classifier on one GLUE task as run_glue does (Devlin et al. 2019; Wang et al. 2019): a new classifier on
 * the pooled [CLS], all weights trained with AdamW and a linearly falling learning rate; a pooler that the checkpoint
 * lacks is drawn too. A pruned encoder keeps its masks: closed weights get no gradient.
 *
 * @throws Error where the loss is not finite
 */
export async function* finetune({
  checkpoint,
  tokenizer,
  task,
  train,
  validation,
  pruned,
  jit = compiled,
  epochs = 3,
  batchSize = 32,
  learningRate = 2e-5,
  warmupSteps = 0,
  weightDecay = 0,
  maxGradientNorm = 1,
  optimizer: adam = {},
  seed = 42,
}: FinetuneOptions): AsyncGenerator<FinetuneEvent, void> {
  const { config, weights, ...rest } = withClassifier(checkpoint, task, seed);
  const batching = { batchSize, pad: tokenizer.pad, positions: maxTokens(config) };
  const examples = encodeExamples(task, train, tokenizer, "train");
  const lengths = examples.inputIds.map((ids) => ids.length);
  const splits = Object.entries(validation).map(([name, split]) => ({
    name,
    encoded: encodeExamples(task, split, tokenizer, name),
    baseline: majorityBaseline(task, train.labels, split.labels),
  }));
  const totalSteps = epochs * Math.ceil(lengths.length / batchSize);
  if (totalSteps < 1) throw new RangeError(`finetune: expected one epoch or more, got ${epochs}`);

  const model = classifier(jit, { config, layout: pruned?.layout, maxGradientNorm });
  const update = optimizer(jit, groups(Object.keys(weights), { ...adam, learningRate, weightDecay }));
  const fixed = { scores: pruned?.scores ?? {}, threshold: pruned?.threshold ?? 0 };
  const random = generator(seed);
  let state = initialState(weights);
  let step = 0;
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      let sum = 0;
      for (const rows of trainingBatches(lengths, batchSize, random)) {
        const factor = linearSchedule(step, totalSteps, warmupSteps);
        const inputs = { ...fixed, weights: state.parameters, batch: glueBatch(examples, rows, batching) };
        const { loss, gradients, norm } = await model.gradients(inputs, { seed, counter: step++ });
        const value = loss.data[0]!;
        if (!Number.isFinite(value))
          throw new Error(`finetune: ${task}: expected a finite loss at step ${step}, got ${value}`);
        state = await update(state, gradients, factor);
        sum += value * rows.length;
        const tokens = rows.reduce((total, row) => total + lengths[row]!, 0);
        const position = { step, totalSteps, epoch, learningRate: learningRate * factor };
        yield { kind: "step", ...position, loss: value, gradientNorm: norm.data[0]!, tokens };
      }
      const scores: Record<string, SplitScore> = {};
      for (const { name, encoded, baseline } of splits) {
        const options = { ...batching, task, config, model, weights: state.parameters, pruned };
        scores[name] = { ...(await evaluate(encoded, options)), baseline };
      }
      const position = { step, totalSteps, epoch, loss: sum / lengths.length, scores };
      yield { kind: "epoch", ...position };
      if (epoch < epochs) continue;
      yield { kind: "done", task, ...position, checkpoint: { ...rest, config, weights: { ...state.parameters } } };
    }
  } finally {
    await Promise.all([model.dispose(), update.dispose()]);
  }
}

/** The encoder under a fresh classifier; a head of another task is not a start, nor is a language model's used. */
function withClassifier(checkpoint: Checkpoint, task: GlueTask, seed: number): Checkpoint {
  const kept = Object.entries(checkpoint.weights).filter(([name]) => !/^(cls|classifier)\./.test(name));
  const encoder = { ...checkpoint, weights: Object.fromEntries(kept) };
  return withHead(encoder, { seed, head: "classification", labels: glueTasks[task].labels });
}

function groups(names: string[], { weightDecay, ...options }: Omit<ParameterGroup, "names">): ParameterGroup[] {
  const plain = (name: string) => name.endsWith(".bias") || name.includes("LayerNorm");
  return [
    { ...options, names: names.filter((name) => !plain(name)), ...(weightDecay !== undefined && { weightDecay }) },
    { ...options, names: names.filter(plain) },
  ];
}
