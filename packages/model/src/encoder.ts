import { layerNorm, tf } from "@pruning-bias/runtime";
import { activations } from "./activations.ts";
import type { BertConfig } from "./config.ts";
import { lookup } from "./embedding.ts";
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

/**
 * The hidden states of BERT (Devlin et al. 2019): [0] after the embeddings, [l] after layer l, each (B, S, D), the last
 * layer's (B, K, D) with `lastPositions`. At padding they are numbers without meaning.
 *
 * @throws RangeError for more tokens than there are positions, more layers than the model has
 */
export function encode(
  config: BertConfig,
  weights: Weights,
  { inputIds, attentionMask, tokenTypeIds }: Batch,
  { gates = {}, dropout = keepAll, layers = config.num_hidden_layers, from, lastPositions }: EncodeOptions = {},
): tf.Tensor3D[] {
  const [B, S] = inputIds.shape;
  const { hidden_size: D, num_attention_heads: H, hidden_dropout_prob, attention_probs_dropout_prob } = config;
  const d = D / H;
  const activation = activations[config.hidden_act];
  check("tokens", S, config.max_position_embeddings);
  check("layers", layers, config.num_hidden_layers);

  const at = <T extends tf.Tensor>(name: string): T => parameter<T>(weights, name);
  const dense = (x: tf.Tensor2D, module: string) =>
    linear(x, at(`${module}.weight`), at(`${module}.bias`), gates[module]);
  const norm = (x: tf.Tensor2D, module: string) =>
    layerNorm(x, at(`${module}.weight`), at(`${module}.bias`), config.layer_norm_eps);
  const heads = (x: tf.Tensor2D) => tf.transpose(tf.reshape(x, [B, x.shape[0] / B, H, d]), [0, 2, 1, 3]); // (B, H, ·, d)

  // Embeddings: word + segment + position, all (B, S, D) by broadcasting.
  const embed = (): tf.Tensor2D => {
    const words = lookup(at("embeddings.word_embeddings.weight"), flat(inputIds), config.pad_token_id);
    const segmentTable = at<tf.Tensor2D>("embeddings.token_type_embeddings.weight");
    const segments =
      tokenTypeIds === undefined
        ? tf.slice(segmentTable, [0, 0], [1, D]) // (1, D)
        : lookup(segmentTable, flat(tokenTypeIds));
    const positions = tf.slice(at<tf.Tensor2D>("embeddings.position_embeddings.weight"), [0, 0], [S, D]);
    const tokens = tf.reshape(tf.add(words, segments), [B, S, D]);
    const embedded = tf.reshape(tf.add(tokens, tf.reshape(positions, [1, S, D])), [B * S, D]);
    return dropout(norm(embedded as tf.Tensor2D, "embeddings.LayerNorm"), hidden_dropout_prob);
  };
  let x: tf.Tensor2D = from === undefined ? embed() : tf.reshape(from.hidden, [B * S, D]); // (B·S, D)

  // 0 where a token may be attended to, else so low that its probability is 0.
  const bias = tf.reshape(tf.mul(tf.sub(1, tf.cast(attentionMask, "float32")), -1e9), [B, 1, 1, S]);

  const states = [x];
  for (let layer = from?.layer ?? 0; layer < layers; layer++) {
    const name = `encoder.layer.${layer}`;
    // (B·Q, D): the tokens that this layer is computed at, Q = S or K. All S can be attended to.
    const own = layer === layers - 1 && lastPositions !== undefined ? tokensAt(x, lastPositions) : x;

    // Self-attention: softmax(q kᵀ/√d + bias) v, H heads side by side.
    const q = heads(tf.mul(dense(own, `${name}.attention.self.query`), 1 / Math.sqrt(d)));
    const k = heads(dense(x, `${name}.attention.self.key`));
    const v = heads(dense(x, `${name}.attention.self.value`));
    const scores = tf.add(tf.matMul(q, k, false, true), bias); // (B, H, Q, S)
    const attention = dropout(tf.softmax(scores), attention_probs_dropout_prob);
    const context = tf.transpose(tf.matMul(attention, v), [0, 2, 1, 3]); // (B, Q, H, d)
    const attended = dense(tf.reshape(context, own.shape), `${name}.attention.output.dense`); // (B·Q, D)
    x = norm(tf.add(own, dropout(attended, hidden_dropout_prob)), `${name}.attention.output.LayerNorm`);

    // Feed-forward network.
    const inner = activation(dense(x, `${name}.intermediate.dense`)); // (B·Q, F)
    const outer = dense(inner, `${name}.output.dense`); // (B·Q, D)
    x = norm(tf.add(x, dropout(outer, hidden_dropout_prob)), `${name}.output.LayerNorm`);
    states.push(x);
  }
  return states.map((state) => tf.reshape(state, [B, state.shape[0] / B, D]));
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
