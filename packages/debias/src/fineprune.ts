import { epochBatches } from "@pruning-bias/data";
import { type Checkpoint, maxTokens } from "@pruning-bias/model";
import {
  hostMasks,
  initialScores,
  type Layout,
  type PruningSettings,
  schedule,
  scoreLayout,
} from "@pruning-bias/pruning";
import { type Jit, jit as compiled, type NDArray } from "@pruning-bias/runtime";
import {
  accumulate,
  type Arrays,
  copies,
  initialState,
  linearSchedule,
  optimizer,
  type ParameterGroup,
} from "@pruning-bias/training";
import { staticAttributes } from "./attributes.ts";
import type { DebiasMode, EmbeddingLayer } from "./embeddings.ts";
import type { LossForm } from "./loss.ts";
import { batchLosses, type DebiasBatch, type DebiasSentences, type Losses } from "./losses.ts";
import { originalEmbeddings } from "./original.ts";
import { programs as makePrograms, type ProgramSettings } from "./programs.ts";

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
  readonly embeddingLayer?: EmbeddingLayer;
  readonly debiasMode?: DebiasMode;
  readonly lossForm?: LossForm;
  /** Weights of L_debias and L_keep. */
  readonly alpha?: number;
  readonly beta?: number;
  /** Of the weights; the scores' own is in `pruning`. */
  readonly learningRate?: number;
  readonly weightDecay?: number;
  readonly warmupSteps?: number;
  readonly eps?: number;
  readonly variant?: "transformers" | "torch";
  readonly batchSize?: number;
  readonly epochs?: number;
  /** Batches of an epoch that are used; all by default. */
  readonly limitBatches?: number;
  /** Stops after so many steps; the schedules are made for no more. */
  readonly maxSteps?: number;
  readonly validationsPerEpoch?: number;
  /** Sentences of a class that the static attributes are the mean of; all of the smaller class by default. */
  readonly staticSentences?: number;
  /** Dropout with the probabilities of the model's config while training. */
  readonly dropout?: boolean;
  /** Computes as the reference's code does where that differs from what it should (REFERENCE, section 7). */
  readonly compat?: "default" | "reference";
  /** Width that the reference pads to. */
  readonly referenceWidth?: number;
  /** Sentences that go through the encoder at once. */
  readonly microbatch?: number;
  /** Bytes in which embeddings of the original model are kept, so that a sentence goes through it once; 1e9 by default. */
  readonly originalCache?: number;
  /** The batches of an epoch; by default drawn from `seed`. */
  readonly batches?: (epoch: number) => readonly DebiasBatch[];
  readonly seed?: number;
  readonly jit?: Jit;
}

/** Weights and scores as they stand, by name. */
export interface Parameters {
  readonly weights: Arrays;
  readonly scores: Arrays;
}

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

/**
 * Debiases an encoder by training its pruning scores, its weights, or both on
 * L = α·L_debias + β·L_keep (+ λ·L_prune) (Joniak and Aizawa 2022; Kaneko and Bollegala 2021, Eq. 4).
 *
 * Yields an event after each step, at each epoch's static attributes, and at each validation: before training, inside
 * and at the end of each epoch.
 *
 * @throws Error where a loss is no finite number, naming the step
 */
export async function* fineprune(options: FinepruneOptions): AsyncGenerator<FinepruneEvent, FinepruneResult> {
  const {
    checkpoint: { config, weights },
    train,
    validation,
    pruning,
    freezeWeights = pruning !== undefined,
    warmupSteps = 0,
    epochs = 5,
    limitBatches = Infinity,
    maxSteps = Infinity,
    validationsPerEpoch = 2,
    compat = "default",
    seed = 42,
    jit = compiled,
  } = options;
  const reference = compat === "reference";
  const layout = pruning && scoreLayout(config, pruning);
  const settings = programSettings(options, layout);
  const { alpha, beta } = settings;
  const programs = makePrograms(jit, settings);
  const pieces = {
    size: options.microbatch ?? 8,
    padTokenId: config.pad_token_id ?? 0,
    positions: maxTokens(config),
    width: reference ? (options.referenceWidth ?? 128) : undefined,
  };
  const original = originalEmbeddings(programs, encoderWeights(weights), options.originalCache);
  const training = batchLosses(programs, settings, train, original, pieces);
  const checking = validation && batchLosses(programs, settings, validation, original, pieces);

  const batchesOf = options.batches ?? drawBatches(train, options.batchSize ?? 128, seed);
  const perEpoch = Math.min(batchesOf(0).length, limitBatches);
  const totalSteps = Math.min(epochs * perEpoch, maxSteps);
  const thresholdAt = (step: number, isTraining: boolean) =>
    pruning === undefined
      ? { threshold: 0, lambda: 0 }
      : schedule(pruning, { step, totalSteps, warmupSteps: reference ? -1 : warmupSteps, training: isTraining });
  const final = thresholdAt(totalSteps, false).threshold;

  const scores = layout === undefined ? {} : { ...initialScores(layout), ...options.scores };
  const trainedNames = trainedParameters(layout, weights, freezeWeights);
  const groups = parameterGroups(options, trainedNames);
  const update = optimizer(jit, groups);
  let state = initialState(pick({ ...encoderWeights(weights), ...scores }, trainedNames));
  // Fixed scores that stand where the layout has them are left out: the masks they make are known without computing them.
  const givenScores = omit(options.scores ?? {}, trainedNames);
  const fixed = { ...omit(encoderWeights(weights), trainedNames), ...givenScores };
  const trainedScores = trainedNames.filter((name) => name in scores);
  const model = (threshold: number) => ({ trained: state.parameters, fixed, threshold });
  const currentScores = (): Arrays => ({ ...scores, ...pick(state.parameters, trainedScores) });
  // Copies: the optimiser writes into its arrays.
  const parameters = (): Parameters => ({
    weights: { ...weights, ...copies(omit(state.parameters, Object.keys(scores))) },
    scores: copies(currentScores()),
  });

  const staticCount = Math.min(train.male.length, train.female.length, options.staticSentences ?? Infinity);
  const computeAttributes = () =>
    staticAttributes(programs, model(final), { male: train.male, female: train.female, count: staticCount }, pieces);
  let attributes = await computeAttributes();
  const validate = async (step: number, epoch: number): Promise<ValidationEvent | undefined> => {
    if (checking === undefined || validation === undefined) return undefined;
    const losses = await checking.evaluate(model(final), attributes, everySentence(validation));
    const loss = alpha * losses.lossDebias + beta * losses.lossKeep;
    return { kind: "validation", step, epoch, loss, ...losses, threshold: final, parameters };
  };

  const before = await validate(0, 0);
  if (before !== undefined) yield before;
  const checkpoints = validationSteps(perEpoch, validationsPerEpoch);
  let step = 0;
  for (let epoch = 0; step < totalSteps; epoch++) {
    if (epoch > 0) attributes = await computeAttributes();
    yield { kind: "epoch", epoch, step, attributes, parameters };
    for (const [index, batch] of batchesOf(epoch).slice(0, perEpoch).entries()) {
      if (step >= totalSteps) break;
      const { threshold, lambda } = thresholdAt(step, true);
      const key = (piece: number) => ({ seed, counter: step * 65_536 + piece });
      const { lossDebias, lossKeep, gradients } = await training.gradients(model(threshold), attributes, batch, key);
      const weight = reference ? 1 : lambda;
      const lossPrune = layout === undefined ? 0 : await addRegulariser(weight, gradients);
      const loss = alpha * lossDebias + beta * lossKeep + weight * lossPrune;
      if (!Number.isFinite(loss)) throw new Error(`fineprune: expected a finite loss at step ${step + 1}, got ${loss}`);
      const openBlocks = layout === undefined ? [] : open(layout, currentScores(), threshold);
      const factor = linearSchedule(reference ? epoch : step, totalSteps, warmupSteps);
      state = await update(state, gradients, factor);
      step++;
      yield {
        kind: "step",
        ...{ step, totalSteps, epoch, loss, lossDebias, lossKeep, lossPrune, threshold, lambda, openBlocks },
        learningRates: groups.map(({ learningRate }) => learningRate * factor),
        tokens: training.tokens(batch),
      };
      if (checkpoints.has(index + 1) || step === totalSteps) {
        const event = await validate(step, epoch);
        if (event !== undefined) yield event;
      }
    }
  }
  await Promise.all([programs.dispose(), update.dispose()]);
  return { ...parameters(), layout, threshold: final, steps: step };

  async function addRegulariser(weight: number, gradients: Arrays): Promise<number> {
    const part = await programs.pruneGradients({
      trained: pick(state.parameters, trainedScores),
      fixed: givenScores,
      weight,
    });
    accumulate(gradients as Record<string, NDArray>, part.gradients);
    return part.loss.data[0]!;
  }
}

/** The encoder's own weights, without heads and pooler, which debiasing does not read. */
const encoderWeights = (weights: Arrays): Arrays =>
  Object.fromEntries(Object.entries(weights).filter(([name]) => /^(embeddings|encoder)\./.test(name)));

function programSettings(options: FinepruneOptions, layout: Layout | undefined): ProgramSettings {
  const reference = options.compat === "reference";
  return {
    subject: { config: options.checkpoint.config, ...(layout && { layout }) },
    ...(options.pruning && { pruning: options.pruning }),
    embeddingLayer: options.embeddingLayer ?? "last",
    mode: options.debiasMode ?? "sentence",
    form: options.lossForm ?? (reference ? "squared_sum" : "sum_of_squares"),
    positions: reference ? "all" : "real",
    alpha: options.alpha ?? 0.2,
    beta: options.beta ?? 0.8,
    dropout: options.dropout ?? true,
  };
}

function drawBatches({ targets, male, female }: DebiasSentences, batchSize: number, seed: number) {
  const sizes = { targets: targets.length, male: male.length, female: female.length };
  return (epoch: number): DebiasBatch[] => {
    const drawn = epochBatches(sizes, { batchSize, seed, epoch });
    return drawn.targets.map((rows, index) => ({ targets: rows, attributes: drawn.attributes[index]! }));
  };
}

function trainedParameters(layout: Layout | undefined, weights: Arrays, freezeWeights: boolean): string[] {
  const scores = layout === undefined ? [] : layout.scores.filter(({ trained }) => trained).map(({ name }) => name);
  return [...scores, ...(freezeWeights ? [] : Object.keys(encoderWeights(weights)))];
}

// With pruning: scores, biases and LayerNorms (never decayed), other weights, as nn_pruning groups them; else one group.
function parameterGroups(options: FinepruneOptions, names: readonly string[]): ParameterGroup[] {
  const { pruning, learningRate = 5e-5, weightDecay = 0, variant = "transformers" } = options;
  const eps = options.eps ?? (pruning === undefined ? 1e-8 : 1e-6);
  const shared = { variant, eps };
  if (pruning === undefined) return [{ ...shared, names, learningRate, weightDecay }];
  const isScore = (name: string) => name.endsWith(".mask_scores");
  const undecayed = (name: string) => !isScore(name) && (name.endsWith(".bias") || name.includes("LayerNorm"));
  return [
    { ...shared, names: names.filter(isScore), learningRate: pruning.scoresLearningRate },
    { ...shared, names: names.filter(undecayed), learningRate },
    { ...shared, names: names.filter((name) => !isScore(name) && !undecayed(name)), learningRate, weightDecay },
  ];
}

/** Batches of an epoch after which there is a validation: `count` of them, evenly spread, the last at its end. */
function validationSteps(batches: number, count: number): ReadonlySet<number> {
  return new Set(Array.from({ length: count }, (_, i) => Math.ceil((batches * (i + 1)) / count)));
}

const everySentence = ({ targets, male, female }: DebiasSentences): DebiasBatch => ({
  targets: Int32Array.from({ length: targets.length }, (_, row) => row),
  attributes: Int32Array.from({ length: male.length + female.length }, (_, row) => row),
});

const open = (layout: Layout, scores: Arrays, threshold: number): number[] =>
  Object.values(hostMasks(layout, scores, threshold)).map((mask) => mask.open);

const pick = (arrays: Arrays, names: readonly string[]): Arrays =>
  Object.fromEntries(names.map((name) => [name, arrays[name]!]));

function omit(arrays: Arrays, names: readonly string[]): Arrays {
  const left = new Set(names);
  return Object.fromEntries(Object.entries(arrays).filter(([name]) => !left.has(name)));
}
