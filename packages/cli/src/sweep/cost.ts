import { existsSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { isProjection } from "../config/alternative.ts";
import type { Alternative, Config } from "../config/schema.ts";
import type { GlueRun } from "./measurements.ts";
import { memoryOf } from "./memory.ts";
import { type ModelShape, modelShape } from "./model-shape.ts";

/** What a point takes on a machine: an estimate, `null` where its model is not known yet. */
export interface Cost {
  /** Optimiser steps of training. */
  readonly steps: number;
  readonly trainSeconds: number | null;
  readonly biasSeconds: number | null;
  /** Fine-tuning on GLUE tasks, and scoring there. */
  readonly glueSeconds: number | null;
  /** Closing its heads one by one, and the search for the fewest that do what its mask does, at most; 0 where nobody asks. */
  readonly whereSeconds: number | null;
  /** What stays on disk: results, their copy in Nx' cache, and the checkpoint of the end. */
  readonly bytes: number | null;
  /** The most memory of its tasks, in bytes. */
  readonly memory: number | null;
}

/** What is to be done: of a point, of the untouched model, or for a classifier that points start from. */
export interface Work {
  readonly train?: boolean;
  readonly bias?: boolean;
  /** Where bias sits, head by head. */
  readonly where?: boolean;
  readonly glue?: readonly Pick<GlueRun, "task" | "scoreOnly">[];
  /** The fine-tuned classifier stays. */
  readonly saves?: boolean;
}

export interface Machine {
  /** GFLOP/s of a product of matrices as large as BERT-base's. */
  readonly gflops: number;
  /** The hub's cache, where a model's sizes are read. */
  readonly hubCache: string;
  readonly root: string;
}

/**
 * Estimates what work on a point costs from the products of its encoder: 2 FLOPs a weight and token forward, as many again for the
 * gradient of the activations, and as many for that of the weights where blocks or weights need it (heads are gates).
 */
export function costOf(config: Config, work: Work, { gflops, hubCache, root }: Machine): Cost {
  const { train = false, bias = false, where = false, glue = [], saves = false } = work;
  const steps = train ? stepsOf(config, root) : 0;
  const shape = modelShape(config, root, hubCache);
  if (shape === undefined) {
    const unknown = { trainSeconds: null, biasSeconds: null, glueSeconds: null, whereSeconds: null };
    return { steps, ...unknown, bytes: null, memory: null };
  }
  const tokens = config.pretrain === null ? TOKENS : DEMO_TOKENS;
  const rate = gflops * 1e9 * efficiency(shape);
  const perToken = 2 * shape.layers * weightsOfLayer(shape);
  const sentences =
    config.alternative === null ? finepruned(config, steps, shape) : ofAlternative(config, config.alternative, steps);
  const glueTokens = glue.reduce((sum, run) => sum + glueTokensOf(run, config), 0);
  const seatTokens = SEAT_SENTENCES * SEAT_TOKENS;
  const seconds = (all: number, tasks: number) => (tasks === 0 ? 0 : (all * perToken) / rate + tasks * STARTING);
  const measures = bias || where || glue.length > 0;
  return {
    steps,
    trainSeconds: seconds(sentences * tokens, train ? 1 : 0),
    biasSeconds: seconds(seatTokens, bias ? 1 : 0),
    glueSeconds: seconds(glueTokens, glue.length),
    whereSeconds: seconds(headPasses(shape) * seatTokens, where ? 1 : 0),
    bytes:
      (train ? bytesOf(config, shape, steps) : measures ? 2 * BYTES_OF_POINT : 0) +
      (saves ? 8 * parametersOf(shape) : 0),
    memory: memoryOf(config, shape, { train, glue: glue.some(({ scoreOnly }) => !scoreOnly) }),
  };
}

/** Sentences that go through the encoder in fine-pruning, a backward pass counted as what it takes of forward ones. */
function finepruned(config: Config, steps: number, shape: ModelShape): number {
  const { passes, validations, batch } = training(config);
  const epochs = config.trainer.max_epochs;
  const attributes = Math.min(config.datamodule.static_sentences ?? Infinity, (steps / epochs) * (batch / 2));
  return (
    steps * batch * ((1 + readShare(config, shape)) * passes + 1) +
    epochs * 2 * attributes +
    (1 + epochs * validations) * 6 * validationSentences(config) +
    (1 + epochs * validations) * SEAT_SENTENCES
  );
}

/** The share of its layers that targets go through, up to the last that the loss reads; attributes are kept in all of them. */
function readShare({ model }: Config, { layers }: ModelShape): number {
  const read = { first: 0, intermediate: Math.min(4, layers), last: layers, all: layers, CLS: layers };
  return read[model.embedding_layer] / layers;
}

/** The same of another method: projections embed each sentence of both genders, in pairs twice; what trains is validated twice at least. */
function ofAlternative(config: Config, { method, sentences, batch_size }: Alternative, steps: number): number {
  if (method === "inlp") return 2 * sentences;
  if (method === "sentence_debias") return 4 * sentences;
  return steps * batch_size * 3 + 2 * (3 * validationSentences(config) + SEAT_SENTENCES);
}

/** Of a sentence, [CLS] and [SEP] among them: the mean over news and the shared corpus. */
const TOKENS = 33;
/** The demo's corpus has short ones. */
const DEMO_TOKENS = 16;
/** Sentences of the three bias tests. */
const SEAT_SENTENCES = 1000;
const SEAT_TOKENS = 7;
/** Seconds until the first step: starting Node, loading a model, compiling. */
const STARTING = 4;

/** Of the rate of large products, what a whole step of an encoder of that width reaches: .8 for BERT-base, .15 for 128. */
const efficiency = ({ hidden }: ModelShape): number => (0.9 * hidden ** 2) / (hidden ** 2 + 300 ** 2);

const weightsOfLayer = ({ hidden, intermediate }: ModelShape): number => 4 * hidden ** 2 + 2 * hidden * intermediate;

/** Forward passes: .4 for a head that is closed, measured (bench/README.md); a search tries 16 heads as the second to the eighth. */
const headPasses = ({ layers, heads }: ModelShape): number =>
  0.4 * layers * heads + 7 * (0.4 * Math.min(16, layers * heads) + 1);

function training(config: Config) {
  const { pruning, model, trainer, datamodule } = config;
  // Of blocks the gradient of the weights is summed up where it is made: measured, it costs less than half a pass.
  const ofWeights = model.freeze_weights ? (pruning?.attention_block_rows === "head" ? 0 : 0.4) : 1;
  return {
    passes: 2 + ofWeights,
    validations: Math.max(1, Math.round(1 / trainer.val_check_interval)),
    batch: datamodule.batch_size,
  };
}

const validationSentences = ({ datamodule, trainer }: Config): number =>
  Math.min(datamodule.validation_size, trainer.limit_val_sentences ?? Infinity);

function stepsOf(config: Config, root: string): number {
  const { trainer, datamodule, alternative } = config;
  if (alternative !== null) {
    if (isProjection(config)) return alternative.method === "inlp" ? alternative.iterations : alternative.components;
    return Math.min(alternative.steps, trainer.max_steps ?? Infinity);
  }
  const epoch = Math.ceil(streamOf(config, root) / datamodule.batch_size);
  const all = trainer.max_epochs * Math.min(epoch, trainer.limit_train_batches ?? Infinity);
  return Math.min(all, trainer.max_steps ?? Infinity);
}

/** Sentences of an epoch's longer stream: 246 batches of 128 in News Commentary; a fifth of the lines of another corpus. */
function streamOf({ datamodule, pretrain }: Config, root: string): number {
  if (pretrain !== null) return pretrain.sentences / 3;
  const { plaintext } = datamodule.datafiles;
  const path = isAbsolute(plaintext) ? plaintext : join(root, plaintext);
  if (/^https?:/i.test(plaintext) || !existsSync(path)) return 246 * 128;
  return statSync(path).size / (plaintext.endsWith(".gz") ? BYTES_OF_LINE / 2.5 : BYTES_OF_LINE) / 5;
}

const BYTES_OF_LINE = 130;

/** Training and validation examples of the hub's GLUE, and the mean tokens of one. */
const glueSizes = {
  cola: { examples: 8551, validation: 1043, tokens: 11 },
  sst2: { examples: 67_349, validation: 872, tokens: 13 },
  mrpc: { examples: 3668, validation: 408, tokens: 53 },
  stsb: { examples: 5749, validation: 1500, tokens: 31 },
  qqp: { examples: 363_846, validation: 40_430, tokens: 30 },
  mnli: { examples: 392_702, validation: 19_647, tokens: 39 },
  qnli: { examples: 104_743, validation: 5463, tokens: 50 },
  rte: { examples: 2490, validation: 277, tokens: 68 },
  wnli: { examples: 635, validation: 71, tokens: 37 },
};

/** Tokens that go through the encoder, a backward pass counted as two forward ones. */
function glueTokensOf(
  { task, scoreOnly }: Pick<GlueRun, "task" | "scoreOnly">,
  { finetune, pretrain }: Config,
): number {
  const { examples, validation, tokens } = glueSizes[task];
  const { limit_train, limit_validation, epochs } = finetune;
  // The demo's two tasks are small.
  const all = Math.min(pretrain === null ? examples : 500, limit_train ?? Infinity);
  const scored = Math.min(pretrain === null ? validation : 100, limit_validation ?? Infinity);
  return tokens * ((scoreOnly ? 0 : all * epochs * 3) + scored);
}

function bytesOf(config: Config, shape: ModelShape, steps: number): number {
  const { pruning, model } = config;
  const block = (size: number | "head", whole: number) => (size === "head" ? whole : size);
  const scores =
    pruning === null
      ? 0
      : shape.ownLayers *
        ((4 * shape.hidden ** 2) /
          (block(pruning.attention_block_rows, shape.hidden / shape.heads) *
            block(pruning.attention_block_cols, shape.hidden)) +
          shape.intermediate);
  const weights = isProjection(config) || (model.freeze_weights && pruning !== null) ? 0 : parametersOf(shape);
  // What trains with both moments, and once more where the best of it is kept; Nx copies no checkpoints.
  const checkpoint = 4 * (weights + scores) * (config.trainer.best_checkpoint ? 4 : 3);
  return Math.round(2 * (4 * weights + 4 * scores + BYTES_OF_STEP * steps + BYTES_OF_POINT) + checkpoint);
}

const parametersOf = (shape: ModelShape): number =>
  shape.ownLayers * weightsOfLayer(shape) + (shape.vocabulary + 512) * shape.hidden;

/** A row of `metrics.jsonl`, and of the TensorBoard events. */
const BYTES_OF_STEP = 600;
/** Settings, masks, bias tests and logs. */
const BYTES_OF_POINT = 60_000;
