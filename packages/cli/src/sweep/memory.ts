import { totalmem } from "node:os";
import type { Config } from "../config/schema.ts";
import type { ModelShape } from "./model-shape.ts";

/** Bytes of a process before it holds a model. */
const BARE = 0.35e9;
/** Of a sentence at most, [CLS] and [SEP] among them. */
const WIDEST = 128;

/**
 * The most memory that a point's tasks take, in bytes, an estimate: the weights, five times again where they train (the
 * original's, gradients, both moments, what is on its way out), and of each layer what its gradient keeps of a token. Fitted to peaks
 * that were measured (bench/README.md): BERT-base 16×128 1.9 to 5.6 GB, 8×32 1.0 GB, MiniLM 32×128 1.5 GB.
 */
export function memoryOf(
  { datamodule, model, pruning, finetune }: Config,
  shape: ModelShape,
  { train = true, glue = false }: { readonly train?: boolean; readonly glue?: boolean } = {},
): number {
  const trains = !model.freeze_weights || pruning === null;
  const sentences = Math.min(datamodule.microbatch ?? Infinity, datamodule.batch_size);
  const training = train
    ? weightsOf(shape, trains) + kept(shape, Math.min(datamodule.token_budget, sentences * WIDEST))
    : weightsOf(shape, false);
  const tuning = glue ? weightsOf(shape, true) + kept(shape, finetune.token_budget) : 0;
  return Math.round(BARE + Math.max(training, tuning));
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

/** What a sweep needs, and whether it is there. */
export function memoryText(bytes: number, parallel: number, here: number): string {
  const all = bytes * parallel;
  const need = `memory: about ${gigabytes(bytes)} a task${parallel === 1 ? "" : `, ${gigabytes(all)} for ${parallel} at once`}`;
  const there = `${gigabytes(here)} here`;
  if (all <= here) return `${need}, of ${there}`;
  const advice = parallel === 1 ? "a smaller datamodule.token_budget takes less" : "a smaller --parallel takes less";
  return `warning: ${need}, and there are ${there}: the system may end tasks (${advice})`;
}

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
