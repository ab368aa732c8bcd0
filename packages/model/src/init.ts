import { generator, ndarray, type NDArray, sizeOf } from "@pruning-bias/runtime";
import type { BertConfig } from "./config.ts";
import { familyOf, type HeadPart } from "./families.ts";
import { encoderShapes, headShapes, type Shapes } from "./parameters.ts";

/**
 * What stands on the encoder: nothing but the pooler, where the family has one; the masked language model; ELECTRA's
 * discriminator; a classifier.
 */
export type Head = "none" | "masked-lm" | "replaced-token" | "classification";

/** How weights are drawn. */
export interface InitOptions {
  /** Of the weights; the same ones for a seed on every machine. */
  seed: number;
  /** Standard deviation of weights; the config's `initializer_range` by default. */
  std?: number;
  /** What stands on the encoder; `none` by default. */
  head?: Head;
  /** Outputs of the classifier, where the config does not name them; at least 1. */
  labels?: number;
}

/**
 * Weights drawn as Hugging Face draws them, [out, in] or [n]: matrices from N(0, std²), biases 0, LayerNorms 1 and 0, the
 * padding token's embeddings 0. The same for a seed on every machine.
 *
 * @throws RangeError for a negative `std`, or `labels` that are no whole number above 0
 */
export function initWeights(
  config: BertConfig,
  { seed, std = config.initializer_range, head = "none", labels }: InitOptions,
): Record<string, NDArray> {
  const named = labels === undefined ? config : withLabels(config, labels);
  return draw(config, { ...encoderShapes(config), ...shapesOf(named, head) }, seed, std);
}

/**
 * The checkpoint under another head: tensors of the head that are not there, or have another number of labels, are
 * drawn anew; the rest is shared, not copied.
 *
 * @throws what `initWeights` throws
 */
export function withHead<C extends { config: BertConfig; weights: Record<string, NDArray> }>(
  checkpoint: C,
  { seed, std = checkpoint.config.initializer_range, head = "none", labels }: InitOptions,
): C {
  const config = labels === undefined ? checkpoint.config : withLabels(checkpoint.config, labels);
  const wanted = Object.entries(shapesOf(config, head));
  const missing = wanted.filter(([name, shape]) => String(checkpoint.weights[name]?.shape) !== String(shape));
  const drawn = draw(config, Object.fromEntries(missing), seed, std);
  return { ...checkpoint, config, weights: { ...checkpoint.weights, ...drawn } };
}

function partsOf(config: BertConfig, head: Head): HeadPart[] {
  if (head === "none") return ["pooler"];
  if (head !== "classification") return [head];
  return familyOf(config).classifier.hidden === "pooler.dense" ? ["pooler", "classifier"] : ["classifier"];
}

const shapesOf = (config: BertConfig, head: Head): Shapes =>
  Object.assign({}, ...partsOf(config, head).map((part) => headShapes(config, part)));

function withLabels(config: BertConfig, labels: number): BertConfig {
  if (!(Number.isInteger(labels) && labels > 0))
    throw new RangeError(`initWeights: labels: expected a whole number above 0, got ${labels}`);
  const names = Array.from({ length: labels }, (_, index) => [String(index), `LABEL_${index}`] as const);
  const label2id = Object.fromEntries(names.map(([id, label]) => [label, Number(id)]));
  return { ...config, id2label: Object.fromEntries(names), label2id };
}

function draw(config: BertConfig, shapes: Shapes, seed: number, std: number): Record<string, NDArray> {
  if (!(std >= 0)) throw new RangeError(`initWeights: std: expected a number of at least 0, got ${std}`);
  const random = generator(seed);
  const tensor = (name: string, shape: number[]): NDArray => {
    const data = new Float32Array(sizeOf(shape));
    if (name.endsWith("LayerNorm.weight")) data.fill(1);
    else if (shape.length === 2) for (let i = 0; i < data.length; i++) data[i] = std * random.normal();
    if (paddedTables(config).includes(name) && config.pad_token_id !== null) {
      data.fill(0, config.pad_token_id * shape[1]!, (config.pad_token_id + 1) * shape[1]!);
    }
    return ndarray(data, shape);
  };
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, tensor(name, shape)]));
}

/** Embeddings that have a row for padding. */
const paddedTables = (config: BertConfig): string[] => [
  "embeddings.word_embeddings.weight",
  ...(familyOf(config).positions === "after padding" ? ["embeddings.position_embeddings.weight"] : []),
];
