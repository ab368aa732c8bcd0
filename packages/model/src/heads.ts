import { layerNorm, type Random, tf } from "@pruning-bias/runtime";
import { activations } from "./activations.ts";
import type { BertConfig } from "./config.ts";
import { familyOf } from "./families.ts";
import { linear } from "./linear.ts";
import { parameter, type Weights } from "./weights.ts";

/**
 * The pooled sentence, tanh(W h₀ + b) of the first token, of the families that pool (all but DistilBERT and ELECTRA): last
 * hidden state [batch, length, hidden], result [batch, hidden].
 *
 * @throws Error where the model has no pooler
 */
export const pooled = (_config: BertConfig, weights: Weights, last: tf.Tensor3D): tf.Tensor2D =>
  tf.tanh(dense(weights, firstTokens(last), "pooler.dense"));

/**
 * Outputs of the classification head, each family's own (`classifier` in `families.ts`), from the first token: last hidden
 * state [batch, length, hidden], result [batch, labels].
 *
 * @param random dropout as the config says; none in evaluation
 * @throws Error where the model has no such head
 */
export function sequenceLogits(
  config: BertConfig,
  weights: Weights,
  last: tf.Tensor3D,
  { random }: { random?: Random | undefined } = {},
): tf.Tensor2D {
  const { dropsFirst, hidden, activation, output } = familyOf(config).classifier;
  const rate = config.classifier_dropout ?? config.hidden_dropout_prob;
  const dropout = (x: tf.Tensor2D) => random?.dropout(x, rate) ?? x;
  const first = dropsFirst ? dropout(firstTokens(last)) : firstTokens(last);
  const inner = activations[activation](dense(weights, first, hidden)); // [batch, hidden]
  return dense(weights, dropout(inner), output);
}

/**
 * Logits of the masked language model at the given rows of the last hidden state: [N, hidden] → [N, V]. The decoder's weight
 * is the table of word embeddings, so it works E wide; pass labelled rows only, since V is large.
 *
 * @throws Error where the model has no such head
 */
export function maskedLmLogits(config: BertConfig, weights: Weights, rows: tf.Tensor2D): tf.Tensor2D {
  const at = <T extends tf.Tensor>(name: string): T => parameter<T>(weights, name);
  const transform = "cls.predictions.transform";
  const activation = activations[familyOf(config).languageModelActivation ?? config.hidden_act];
  const inner = activation(dense(weights, rows, `${transform}.dense`)); // [N, E]
  const normed = layerNorm(
    inner,
    at(`${transform}.LayerNorm.weight`),
    at(`${transform}.LayerNorm.bias`),
    config.layer_norm_eps,
  );
  return linear(normed, at("embeddings.word_embeddings.weight"), at("cls.predictions.bias"));
}

/**
 * Logits of "the second sentence follows, or does not" (ALBERT: they are in order, or swapped): last hidden state
 * [batch, length, hidden], result [batch, 2].
 *
 * @throws Error where the model has no such head
 */
export const nextSentenceLogits = (config: BertConfig, weights: Weights, last: tf.Tensor3D): tf.Tensor2D =>
  dense(weights, pooled(config, weights, last), "cls.seq_relationship");

/**
 * ELECTRA's discriminator: the logit of "this token was replaced": last hidden state [batch, length, hidden], result
 * [batch, length].
 *
 * @throws Error where the model has no such head
 */
export function replacedTokenLogits(config: BertConfig, weights: Weights, last: tf.Tensor3D): tf.Tensor2D {
  const [B, S, D] = last.shape;
  const tokens = tf.reshape(last, [B * S, D]) as tf.Tensor2D;
  const inner = activations[config.hidden_act](dense(weights, tokens, "discriminator_predictions.dense"));
  return tf.reshape(dense(weights, inner, "discriminator_predictions.dense_prediction"), [B, S]);
}

/** [batch, length, hidden] → [batch, hidden]. */
function firstTokens(last: tf.Tensor3D): tf.Tensor2D {
  const [B, , D] = last.shape;
  return tf.reshape(tf.slice(last, [0, 0, 0], [B, 1, D]), [B, D]);
}

const dense = (weights: Weights, x: tf.Tensor2D, module: string): tf.Tensor2D =>
  linear(x, parameter(weights, `${module}.weight`), parameter(weights, `${module}.bias`));
