import type { Tokenizer } from "@pruning-bias/data";
import { type BertConfig, type Checkpoint, maxTokens } from "@pruning-bias/model";
import { encodeMasked, type HostScores, type Layout, type MaskedWeights, type Pruned } from "@pruning-bias/pruning";
import { type Jit, jit as compiled, ndarray, type NDArray, tf } from "@pruning-bias/runtime";
import { batchesOf } from "./batches.ts";

/**
 * How a sentence becomes a vector: `cls`, its [CLS]; `mean`, the mean of all its tokens with [CLS] and [SEP] (bias-bench);
 * `first`, its first word piece, tokenised without [CLS] and [SEP] (sent-bias).
 */
export const protocols = ["cls", "mean", "first"] as const;
/** A name of `protocols`. */
export type Protocol = (typeof protocols)[number];

/** An encoder, and how it makes vectors of sentences. */
export interface EmbedderOptions {
  /** The encoder. */
  readonly checkpoint: Checkpoint;
  /** Its tokenizer. */
  readonly tokenizer: Tokenizer;
  /** How a sentence becomes a vector; `cls` by default. */
  readonly protocol?: Protocol;
  /** Which hidden state is read: 0 after the embeddings, l after layer l. The last by default. */
  readonly layer?: number | undefined;
  /** Masks the encoder with these scores; none by default. */
  readonly pruned?: Pruned | undefined;
  /** What compiles programs; ONNX graphs on the processor by default. */
  readonly jit?: Jit;
  /** Sentences that go through the encoder at once, at least 1; 64 by default. */
  readonly batchSize?: number;
}

/** What to use instead of what an embedder was made with, of the same shapes: nothing is compiled anew. */
export interface Current {
  /** By name, [out, in] or [n]. */
  readonly weights?: Readonly<Record<string, NDArray>>;
  /** By name, [rows, columns] of blocks or [n] neurons. */
  readonly scores?: HostScores;
  /** τ that the scores are masked at. */
  readonly threshold?: number;
}

/** Embeds N sentences: [N, hidden]. */
export interface Embedder {
  (sentences: readonly string[], current?: Current): Promise<NDArray>;
  /** Frees its compiled programs. */
  dispose(): Promise<void>;
}

/** Embeds N sentences at every layer: [0] after the embeddings, [l] after layer l, each [N, hidden]. */
export interface LayerEmbedder {
  (sentences: readonly string[], current?: Current): Promise<NDArray[]>;
  /** Frees its compiled programs. */
  dispose(): Promise<void>;
}

/**
 * Embeds sentences with an encoder in eval mode, in batches of like length: [N, hidden], float32.
 *
 * @throws RangeError for a layer that the encoder has not, or a batch size below 1
 */
export function embedder({ layer, ...options }: EmbedderOptions): Embedder {
  const last = options.checkpoint.config.num_hidden_layers;
  const read = layer ?? last;
  if (!(Number.isInteger(read) && read >= 0 && read <= last)) {
    throw new RangeError(`embedder: expected a layer from 0, the embeddings, to ${last}, got ${read}`);
  }
  const embed = embedderAt([read], options);
  const one = async (sentences: readonly string[], current?: Current) => (await embed(sentences, current))[0]!;
  return Object.assign(one, { dispose: () => embed.dispose() });
}

/**
 * The same at every layer, each sentence computed once: layers + 1 arrays [N, hidden].
 *
 * @throws RangeError for a batch size below 1
 */
export function layerEmbedder(options: Omit<EmbedderOptions, "layer">): LayerEmbedder {
  return embedderAt([...Array(options.checkpoint.config.num_hidden_layers + 1).keys()], options);
}

function embedderAt(
  layers: readonly number[],
  {
    checkpoint: { config, weights },
    tokenizer,
    protocol = "cls",
    pruned,
    jit = compiled,
    batchSize = 64,
  }: Omit<EmbedderOptions, "layer">,
): LayerEmbedder {
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new RangeError(`embedder: expected a batch size above 0, got ${batchSize}`);
  }
  const program = jit(embeddings(config, protocol, layers, pruned?.layout));
  const D = config.hidden_size;
  const embed = async (sentences: readonly string[], current: Current = {}): Promise<NDArray[]> => {
    const ids = tokenised(sentences, tokenizer, protocol);
    const all = layers.map(() => ndarray(new Float32Array(sentences.length * D), [sentences.length, D]));
    const options = { batchSize, positions: maxTokens(config), pad: tokenizer.pad };
    for (const { rows, inputIds, attentionMask } of batchesOf(ids, options)) {
      const batch = await program({
        ...{ inputIds, attentionMask, weights: current.weights ?? weights },
        scores: current.scores ?? pruned?.scores ?? {},
        threshold: current.threshold ?? pruned?.threshold ?? 0,
      });
      all.forEach((embedded, n) => scatterRows(batch[n]!, rows, embedded));
    }
    return all;
  };
  return Object.assign(embed, { dispose: () => program.dispose() });
}

interface EmbeddingInputs extends MaskedWeights {
  readonly inputIds: tf.Tensor2D;
  readonly attentionMask: tf.Tensor2D;
}

/** [batch, length] tokens → [batch, hidden] for each of these layers, in rising order. */
const embeddings =
  (config: BertConfig, protocol: Protocol, layers: readonly number[], layout: Layout | undefined) =>
  ({ inputIds, attentionMask, ...masked }: EmbeddingInputs): tf.Tensor2D[] => {
    const [B] = inputIds.shape;
    const last = layers.at(-1)!;
    const first = tf.zeros([B, 1], "int32") as tf.Tensor2D;
    const options = { layers: last, ...(protocol !== "mean" && last > 0 && { lastPositions: first }) };
    const states = encodeMasked(config, layout, masked, { inputIds, attentionMask }, options);
    return layers.map((layer) => sentenceEmbedding(states[layer]!, attentionMask, protocol));
  };

/** Hidden states [batch, length or 1, hidden] → [batch, hidden]. */
export function sentenceEmbedding(hidden: tf.Tensor3D, attentionMask: tf.Tensor2D, protocol: Protocol): tf.Tensor2D {
  const [B, S, D] = hidden.shape;
  if (protocol !== "mean") return tf.reshape(tf.slice(hidden, [0, 0, 0], [B, 1, D]), [B, D]);
  const real = tf.cast(attentionMask, "float32");
  const shares = tf.div(real, tf.sum(real, 1, true));
  return tf.reshape(tf.matMul(tf.reshape(shares, [B, 1, S]), hidden), [B, D]);
}

/** Token ids of sentences as a protocol takes them. @throws Error for `first` and a sentence without a word piece */
export function tokenised(sentences: readonly string[], tokenizer: Tokenizer, protocol: Protocol): number[][] {
  return sentences.map((sentence) => {
    if (protocol !== "first") return tokenizer.encode(sentence).inputIds;
    const pieces = tokenizer.pieces(sentence).slice(0, tokenizer.maxLength);
    if (pieces.length === 0)
      throw new Error(`embedder: expected a sentence with tokens, got ${JSON.stringify(sentence)}`);
    return pieces;
  });
}

/** Puts the first rows of a batch [batch, hidden] where they stand among all [N, hidden]. */
export function scatterRows(batch: NDArray, rows: readonly number[], all: NDArray): void {
  const D = all.shape[1]!;
  rows.forEach((row, n) => (all.data as Float32Array).set(batch.data.subarray(n * D, (n + 1) * D), row * D));
}
