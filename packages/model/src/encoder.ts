import { layerNorm, tf } from "@pruning-bias/runtime";
import { activations } from "./activations.ts";
import { type BertConfig, embeddingSize, maxTokens, projectsEmbeddings, weightSet } from "./config.ts";
import { lookup } from "./embedding.ts";
import { familyOf } from "./families.ts";
import { type Gate, linear } from "./linear.ts";
import { parameter, type Weights } from "./weights.ts";

/** A batch of B sentences of S tokens, all int32: ids, 1 for real tokens and 0 for padding, and which segment each is in. */
export interface Batch {
  inputIds: tf.Tensor2D;
  attentionMask: tf.Tensor2D;
  /** All in segment 0 where absent. */
  tokenTypeIds?: tf.Tensor2D | undefined;
}

/** Gates by module, such as `encoder.layer.0.attention.self.value`. */
export type Gates = Readonly<Record<string, Gate>>;

/** Noise of training, such as a `Random`'s; nothing by default, which is eval mode. */
export type Dropout = <T extends tf.Tensor>(x: T, rate: number) => T;

export interface EncodeOptions {
  gates?: Gates;
  dropout?: Dropout;
  /** How many layers to compute; all by default. */
  layers?: number;
  /** Hidden states (B, S, D) after so many layers: goes on from there, and they are the first that are returned. */
  from?: { layer: number; hidden: tf.Tensor3D };
  /** Positions (B, K), int32, at which the last of these layers is computed: where only they are read. All by default. */
  lastPositions?: tf.Tensor2D;
}

/** What an encoder computes of a batch. At padding, these are numbers without meaning. */
export interface Encoded {
  /** [0] after the embeddings, [l] after layer l, each (B, S, D); the last layer's (B, K, D) with `lastPositions`. */
  readonly hiddenStates: tf.Tensor3D[];
  /** Which share each token has in each other, after the softmax: [l−1] of layer l, (B, H, S, S); the last (B, H, K, S). */
  readonly attentions: tf.Tensor4D[];
}

/** The hidden states alone: see `forward`. */
export const encode = (...inputs: Parameters<typeof forward>): tf.Tensor3D[] => forward(...inputs).hiddenStates;

/**
 * BERT (Devlin et al. 2019) and what became of it: DistilBERT (Sanh et al. 2019), RoBERTa (Liu et al. 2019), ALBERT (Lan
 * et al. 2020), ELECTRA (Clark et al. 2020). How each differs is said in `families.ts`.
 *
 * @throws RangeError for more tokens than there are positions, more layers than the model has
 */
export function forward(
  config: BertConfig,
  weights: Weights,
  { inputIds, attentionMask, tokenTypeIds }: Batch,
  { gates = {}, dropout = keepAll, layers = config.num_hidden_layers, from, lastPositions }: EncodeOptions = {},
): Encoded {
  const [B, S] = inputIds.shape;
  const { hidden_size: D, num_attention_heads: H, hidden_dropout_prob, attention_probs_dropout_prob } = config;
  const d = D / H;
  const family = familyOf(config);
  const activation = activations[config.hidden_act];
  check("tokens", S, maxTokens(config));
  check("layers", layers, config.num_hidden_layers);

  const at = <T extends tf.Tensor>(name: string): T => parameter<T>(weights, name);
  const dense = (x: tf.Tensor2D, module: string) =>
    linear(x, at(`${module}.weight`), at(`${module}.bias`), gates[module]);
  const norm = (x: tf.Tensor2D, module: string) =>
    layerNorm(x, at(`${module}.weight`), at(`${module}.bias`), config.layer_norm_eps);
  const heads = (x: tf.Tensor2D) => tf.transpose(tf.reshape(x, [B, x.shape[0] / B, H, d]), [0, 2, 1, 3]); // (B, H, ·, d)

  // Embeddings: word + segment + position, E wide.
  const embed = (): tf.Tensor2D => {
    const table = (kind: string) => at<tf.Tensor2D>(`embeddings.${kind}_embeddings.weight`); // (·, E)
    const words = lookup(table("word"), flat(inputIds), config.pad_token_id); // (B·S, E)
    const tokens = family.segments ? tf.add(words, segments(table("token_type"), tokenTypeIds)) : words;
    const E = embeddingSize(config);
    const positions =
      family.positions === "by index"
        ? tf.reshape(tf.slice(table("position"), [0, 0], [S, E]), [1, S, E])
        : tf.reshape(countedPositions(table("position"), inputIds, config.pad_token_id!), [B, S, E]);
    const embedded = tf.reshape(tf.add(tf.reshape(tokens, [B, S, E]), positions), [B * S, E]);
    const normed = dropout(norm(embedded as tf.Tensor2D, "embeddings.LayerNorm"), hidden_dropout_prob);
    return projectsEmbeddings(config) ? dense(normed, "embeddings_project") : normed;
  };
  let x: tf.Tensor2D = from === undefined ? embed() : tf.reshape(from.hidden, [B * S, D]); // (B·S, D)

  // 0 where a token may be attended to, else so low that its probability is 0.
  const bias = tf.reshape(tf.mul(tf.sub(1, tf.cast(attentionMask, "float32")), -1e9), [B, 1, 1, S]);

  const states = [x];
  const attentions: tf.Tensor4D[] = [];
  for (let layer = from?.layer ?? 0; layer < layers; layer++) {
    const name = `encoder.layer.${weightSet(config, layer)}`;
    // (B·Q, D): the tokens that this layer is computed at, Q = S or K. All S can be attended to.
    const own = layer === layers - 1 && lastPositions !== undefined ? tokensAt(x, lastPositions) : x;

    // Self-attention: softmax(q kᵀ/√d + bias) v, H heads side by side.
    const q = heads(tf.mul(dense(own, `${name}.attention.self.query`), 1 / Math.sqrt(d)));
    const k = heads(dense(x, `${name}.attention.self.key`));
    const v = heads(dense(x, `${name}.attention.self.value`));
    const attention = tf.softmax(tf.add(tf.matMul(q, k, false, true), bias)) as tf.Tensor4D; // (B, H, Q, S)
    attentions.push(attention);
    const values = tf.matMul(dropout(attention, attention_probs_dropout_prob), v); // (B, H, Q, d)
    const context = tf.reshape(tf.transpose(values, [0, 2, 1, 3]), own.shape); // (B·Q, D)
    const attended = dense(context as tf.Tensor2D, `${name}.attention.output.dense`); // (B·Q, D)
    const kept = family.residualDropout.attention ? dropout(attended, hidden_dropout_prob) : attended;
    x = norm(tf.add(own, kept), `${name}.attention.output.LayerNorm`);

    // Feed-forward network.
    const inner = activation(dense(x, `${name}.intermediate.dense`)); // (B·Q, F)
    const outer = dense(inner, `${name}.output.dense`); // (B·Q, D)
    const added = family.residualDropout.feedForward ? dropout(outer, hidden_dropout_prob) : outer;
    x = norm(tf.add(x, added), `${name}.output.LayerNorm`);
    states.push(x);
  }
  return { hiddenStates: states.map((state) => tf.reshape(state, [B, state.shape[0] / B, D])), attentions };
}

/** Embeddings of the segments that tokens are in: table (T, E) → (B·S, E), or (1, E) where all are in the first. */
const segments = (table: tf.Tensor2D, tokenTypeIds: tf.Tensor2D | undefined): tf.Tensor2D =>
  tokenTypeIds === undefined || table.shape[0] === 1
    ? tf.slice(table, [0, 0], [1, table.shape[1]])
    : lookup(table, flat(tokenTypeIds));

/** RoBERTa's positions: real tokens count from `padding` + 1, padding is at `padding`. Table (P, E) → (B·S, E). */
function countedPositions(table: tf.Tensor2D, inputIds: tf.Tensor2D, padding: number): tf.Tensor2D {
  const pad = tf.scalar(padding, "int32");
  const real = tf.cast(tf.notEqual(inputIds, pad), "int32"); // (B, S)
  return lookup(table, flat(tf.add(tf.mul(tf.cumsum(real, 1), real), pad)), padding);
}

/** The tokens at `positions` (B, K) of their sentences: (B·S, D) → (B·K, D). */
function tokensAt(x: tf.Tensor2D, positions: tf.Tensor2D): tf.Tensor2D {
  const [B] = positions.shape;
  const starts = tf.reshape(tf.range(0, x.shape[0], x.shape[0] / B, "int32"), [B, 1]);
  return lookup(x, flat(tf.add(positions, starts)));
}

const keepAll: Dropout = (x) => x;

const flat = (ids: tf.Tensor2D): tf.Tensor1D => tf.reshape(ids, [ids.size]);

function check(what: string, count: number, most: number): void {
  if (count > most) throw new RangeError(`encode: expected at most ${most} ${what}, got ${count}`);
}
