import { paddedWidth, padBatch, type Sentences, sentencesOf, type Tokenizer } from "@pruning-bias/data";
import { type BertConfig, type Checkpoint, maxTokens } from "@pruning-bias/model";
import { encodeMasked, type HostScores, type Layout, type MaskedWeights, type Pruned } from "@pruning-bias/pruning";
import { type Jit, jit as compiled, ndarray, type NDArray, tf } from "@pruning-bias/runtime";

/**
 * How a sentence becomes a vector, always from the last layer: `cls`, its [CLS]; `mean`, the mean of all its tokens with
 * [CLS] and [SEP] (bias-bench); `first`, its first word piece, tokenised without [CLS] and [SEP] (sent-bias).
 */
export const protocols = ["cls", "mean", "first"] as const;
export type Protocol = (typeof protocols)[number];

export interface EmbedderOptions {
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly protocol?: Protocol;
  /** Masks the encoder with these scores. */
  readonly pruned?: Pruned | undefined;
  readonly jit?: Jit;
  /** Sentences that go through the encoder at once. */
  readonly batchSize?: number;
}

/** What to use instead of what an embedder was made with, of the same shapes: nothing is compiled anew. */
export interface Current {
  readonly weights?: Readonly<Record<string, NDArray>>;
  readonly scores?: HostScores;
  readonly threshold?: number;
}

/** Embeds N sentences: (N, D). */
export interface Embedder {
  (sentences: readonly string[], current?: Current): Promise<NDArray>;
  dispose(): Promise<void>;
}

/** Embeds sentences with an encoder in eval mode, in batches of like length. */
export function embedder({
  checkpoint: { config, weights },
  tokenizer,
  protocol = "cls",
  pruned,
  jit = compiled,
  batchSize = 64,
}: EmbedderOptions): Embedder {
  const program = jit(embedding(config, protocol, pruned?.layout));
  const D = config.hidden_size;
  const embed = async (sentences: readonly string[], current: Current = {}): Promise<NDArray> => {
    const encoded = tokenised(sentences, tokenizer, protocol);
    const length = (row: number) => encoded.offsets[row + 1]! - encoded.offsets[row]!;
    const order = Int32Array.from(sentences, (_, row) => row).sort((a, b) => length(a) - length(b) || a - b);
    const embeddings = new Float32Array(sentences.length * D);
    for (let start = 0; start < order.length; start += batchSize) {
      const rows = order.subarray(start, start + batchSize);
      const longest = length(rows.at(-1)!);
      const width = paddedWidth(longest, maxTokens(config));
      const { inputIds, attentionMask, shape } = padBatch(encoded, rows, { batchSize, width, pad: tokenizer.pad });
      const { data } = await program({
        inputIds: ndarray(inputIds, shape),
        attentionMask: ndarray(attentionMask, shape),
        weights: current.weights ?? weights,
        scores: current.scores ?? pruned?.scores ?? {},
        threshold: current.threshold ?? pruned?.threshold ?? 0,
      });
      rows.forEach((row, n) => embeddings.set(data.subarray(n * D, (n + 1) * D) as Float32Array, row * D));
    }
    return ndarray(embeddings, [sentences.length, D]);
  };
  return Object.assign(embed, { dispose: () => program.dispose() });
}

interface EmbeddingInputs extends MaskedWeights {
  readonly inputIds: tf.Tensor2D;
  readonly attentionMask: tf.Tensor2D;
}

/** (B, S) tokens → (B, D). */
const embedding =
  (config: BertConfig, protocol: Protocol, layout: Layout | undefined) =>
  ({ inputIds, attentionMask, ...masked }: EmbeddingInputs): tf.Tensor2D => {
    const [B, S] = inputIds.shape;
    const D = config.hidden_size;
    const first = tf.zeros([B, 1], "int32") as tf.Tensor2D;
    const options = protocol === "mean" ? {} : { lastPositions: first };
    const last = encodeMasked(config, layout, masked, { inputIds, attentionMask }, options).at(-1)!; // (B, S or 1, D)
    if (protocol !== "mean") return tf.reshape(last, [B, D]);
    const real = tf.cast(attentionMask, "float32");
    const shares = tf.div(real, tf.sum(real, 1, true));
    return tf.reshape(tf.matMul(tf.reshape(shares, [B, 1, S]), last), [B, D]);
  };

function tokenised(sentences: readonly string[], tokenizer: Tokenizer, protocol: Protocol): Sentences {
  const ids = sentences.map((sentence) => {
    if (protocol !== "first") return tokenizer.encode(sentence).inputIds;
    const pieces = tokenizer.pieces(sentence).slice(0, tokenizer.maxLength);
    if (pieces.length === 0)
      throw new Error(`embedder: expected a sentence with tokens, got ${JSON.stringify(sentence)}`);
    return pieces;
  });
  return sentencesOf(ids);
}
