import { layerNorm, tf } from "@pruning-bias/runtime";
import { activations } from "./activations.ts";
import type { BertConfig } from "./config.ts";
import type { Dropout } from "./encoder.ts";
import { linear } from "./linear.ts";
import { parameter, type Weights } from "./weights.ts";

/** The pooled sentence, tanh(W h₀ + b) of the first token: last hidden state (B, S, D), result (B, D). */
export function pooled(config: BertConfig, weights: Weights, last: tf.Tensor3D): tf.Tensor2D {
  const [B] = last.shape;
  const first = tf.reshape(tf.slice(last, [0, 0, 0], [B, 1, config.hidden_size]), [B, config.hidden_size]);
  return tf.tanh(dense(weights, first as tf.Tensor2D, "pooler.dense"));
}

/** Outputs of the classification head on the pooled sentence: last hidden state (B, S, D), result (B, labels). */
export function sequenceLogits(
  config: BertConfig,
  weights: Weights,
  last: tf.Tensor3D,
  { dropout = (x) => x }: { dropout?: Dropout } = {},
): tf.Tensor2D {
  const rate = config.classifier_dropout ?? config.hidden_dropout_prob;
  return dense(weights, dropout(pooled(config, weights, last), rate), "classifier");
}

/**
 * Logits of the masked language model at the given rows of the last hidden state: (N, D) → (N, V). The decoder's weight
 * is the table of word embeddings; pass labelled rows only, since V is large.
 */
export function maskedLmLogits(config: BertConfig, weights: Weights, rows: tf.Tensor2D): tf.Tensor2D {
  const at = <T extends tf.Tensor>(name: string): T => parameter<T>(weights, name);
  const transform = "cls.predictions.transform";
  const inner = activations[config.hidden_act](dense(weights, rows, `${transform}.dense`));
  const normed = layerNorm(
    inner,
    at(`${transform}.LayerNorm.weight`),
    at(`${transform}.LayerNorm.bias`),
    config.layer_norm_eps,
  );
  return linear(normed, at("embeddings.word_embeddings.weight"), at("cls.predictions.bias"));
}

/** Logits of "the second sentence follows, or is a random one": last hidden state (B, S, D), result (B, 2). */
export const nextSentenceLogits = (config: BertConfig, weights: Weights, last: tf.Tensor3D): tf.Tensor2D =>
  dense(weights, pooled(config, weights, last), "cls.seq_relationship");

const dense = (weights: Weights, x: tf.Tensor2D, module: string): tf.Tensor2D =>
  linear(x, parameter(weights, `${module}.weight`), parameter(weights, `${module}.bias`));
