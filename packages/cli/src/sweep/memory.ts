import { totalmem } from "node:os";
import { isProjection } from "../config/alternative.ts";
import type { Config } from "../config/schema.ts";
import type { ModelShape } from "./model-shape.ts";

/** Bytes of a process before it holds a model. */
const BARE = 0.35e9;
/** Of a sentence at most, [CLS] and [SEP] among them. */
const WIDEST = 128;

/**
 * The most memory that a point's tasks take, in bytes, an estimate: the weights, five times again where they train (the
 * original's, gradients, both moments, what is on its way out), of each layer what its gradient keeps of a token, and the embeddings
 * of the original that are kept. Fitted to peaks that were measured of steps alone, with few of those (bench/README.md): BERT-base
 * 16×128 1.9 to 5.6 GB, 8×32 1.0 GB, MiniLM 32×128 1.5 GB.
 */
export function memoryOf(
  config: Config,
  shape: ModelShape,
  { train = true, glue = false }: { readonly train?: boolean; readonly glue?: boolean } = {},
): number {
  const training = train ? ofTraining(config, shape) : weightsOf(shape, false);
  const tuning = glue ? weightsOf(shape, true) + kept(shape, config.finetune.token_budget) : 0;
  return Math.round(BARE + Math.max(training, tuning));
}

/** The same of masked-language-model training on so many sentences at once, each up to so many tokens. */
export const memoryOfMaskedLm = (shape: ModelShape, own: MaskedLmBatch): number =>
  Math.round(BARE + ofMaskedLm(shape, own));

/** What goes through the encoder at once. */
export interface MaskedLmBatch {
  readonly sentences: number;
  /** Tokens of the longest. */
  readonly width?: number;
  /** Share of the tokens that are predicted. */
  readonly probability?: number;
}

function ofTraining(config: Config, shape: ModelShape): number {
  const { datamodule, model, pruning, alternative } = config;
  if (isProjection(config)) return weightsOf(shape, false) + 4 * EMBEDDED * WIDEST * 10 * shape.hidden;
  if (alternative !== null) {
    return ofMaskedLm(shape, { sentences: alternative.batch_size, probability: alternative.masking_probability });
  }
  const trains = !model.freeze_weights || pruning === null;
  const sentences = Math.min(datamodule.microbatch ?? Infinity, datamodule.batch_size);
  const step = kept(shape, Math.min(datamodule.token_budget, sentences * WIDEST));
  return weightsOf(shape, trains) + step + originals(config, shape);
}

/** Of each attribute sentence the embeddings of all layers, as far as `original_cache` lets them stay; of validation apart. */
function originals({ datamodule, trainer, pretrain }: Config, { layers, hidden }: ModelShape): number {
  const { batch_size, validation_size, original_cache } = datamodule;
  const steps = Math.min(trainer.max_epochs * (trainer.limit_train_batches ?? Infinity), trainer.max_steps ?? Infinity);
  // How many a corpus has is not known before it is read.
  const training = Math.min(steps * batch_size, pretrain?.sentences ?? Infinity);
  const validation = 2 * Math.min(validation_size, trainer.limit_val_sentences ?? Infinity);
  const bytes = (sentences: number) => Math.min(original_cache, 4 * sentences * (layers + 1) * hidden);
  return bytes(training) + bytes(validation);
}

/** Sentences that are embedded at once. */
const EMBEDDED = 64;

/** Of each predicted token the logits, what they become in the loss, and the gradient of both. */
function ofMaskedLm(shape: ModelShape, { sentences, width = WIDEST, probability = 0.15 }: MaskedLmBatch): number {
  const tokens = sentences * width;
  return weightsOf(shape, true) + kept(shape, tokens) + 4 * 4 * tokens * probability * shape.vocabulary;
}

function weightsOf({ ownLayers, hidden, intermediate, vocabulary }: ModelShape, train: boolean): number {
  const parameters = ownLayers * (4 * hidden ** 2 + 2 * hidden * intermediate) + (vocabulary + 512) * hidden;
  return 4 * parameters * (train ? 6 : 1);
}

const kept = ({ layers, hidden, intermediate, heads }: ModelShape, tokens: number): number =>
  4 * tokens * layers * (10 * hidden + 3 * intermediate + 4 * heads * WIDEST);

/** Bytes that processes here may take: the machine's, or less where a container has a limit. */
export function memoryHere(constrained = process.constrainedMemory()): number {
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** How memory is told of. */
export interface MemoryTextOptions {
  /** Tasks that run at once; 1 by default. */
  readonly parallel?: number;
  /** ` a task`; nothing by default. */
  readonly each?: string;
  /** The setting of which a smaller value takes less. */
  readonly smaller?: string;
}

/** What a run or a sweep needs, and whether it is there. */
export function memoryText(
  bytes: number,
  here: number,
  { parallel = 1, each = "", smaller = "datamodule.token_budget" }: MemoryTextOptions = {},
): string {
  const all = bytes * parallel;
  const need = `memory: about ${gigabytes(bytes)}${each}${parallel === 1 ? "" : `, ${gigabytes(all)} for ${parallel} at once`}`;
  const there = `${gigabytes(here)} here`;
  if (all <= here) return `${need}, of ${there}`;
  const advice = `a smaller ${parallel === 1 ? smaller : "--parallel"} takes less`;
  return `warning: ${need}, and there are ${there}: the system may end tasks (${advice})`;
}

/** What a sweep's tasks need, and whether jobs of a cluster are given it. */
export function slurmMemoryText(bytes: number, given: string | undefined): string {
  const need = `memory: about ${gigabytes(bytes)} a task`;
  if (given === undefined) return `${need}; jobs get what the cluster gives, or what slurm.memory says`;
  const there = slurmBytes(given);
  if (there === undefined || bytes <= there) return `${need}, of slurm.memory=${given}`;
  return `warning: ${need}, and slurm.memory=${given}: Slurm may end tasks (slurm.memory=${Math.ceil(bytes / 2 ** 30)}G is enough)`;
}

/** Bytes of `--mem`: megabytes, or with a unit; `undefined` for 0, a whole node's, and for what is none. */
function slurmBytes(text: string): number | undefined {
  const [, digits, unit = ""] = /^(\d+)([KMGT]?)B?$/i.exec(text) ?? [];
  const bytes = Number(digits) * 2 ** { K: 10, "": 20, M: 20, G: 30, T: 40 }[unit.toUpperCase() as "K"];
  return digits === undefined || bytes === 0 ? undefined : bytes;
}

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
