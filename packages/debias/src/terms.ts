import { tf } from "@pruning-bias/runtime";
import { type DebiasMode, sentenceRows, tokenRows } from "./embeddings.ts";
import type { BatchTensors, HiddenState } from "./encoder.ts";
import { debiasLoss, keepLoss, type LossForm } from "./loss.ts";

/** How the debiasing loss reads the targets' hidden states. */
export interface DebiasTerm {
  readonly form: LossForm;
  readonly mode: DebiasMode;
  /** Which positions are rows in sentence mode: real tokens, or all of them as in the reference. */
  readonly positions: "real" | "all";
}

/**
 * The part of L_debias that a micro-batch of targets adds: a sum over its rows at the given hidden states, times
 * `share`, one over the rows of the whole batch.
 */
export function debiasTerm(
  { form, mode, positions }: DebiasTerm,
  hidden: readonly HiddenState[],
  batch: BatchTensors,
  attributes: tf.Tensor2D,
  share: tf.Scalar,
): tf.Scalar {
  const rows = mode === "token" ? keywordRows : ({ state }: HiddenState) => sentenceRows(state);
  const weights = tf.mul<tf.Tensor1D>(mode === "token" ? batch.rowWeights : positionWeights(batch, positions), share);
  return total(hidden.map((h) => debiasLoss(form, attributes, rows(h), weights)));
}

/**
 * The part of L_keep that a micro-batch of attributes adds, over all hidden states.
 *
 * @param original (layers + 1, B, D): the untouched model's token-mode embeddings
 * @param share one over the rows of the whole batch, sentences × (layers + 1)
 */
export function keepTerm(
  hidden: readonly HiddenState[],
  batch: BatchTensors,
  original: tf.Tensor3D,
  share: tf.Scalar,
): tf.Scalar {
  const weights = tf.mul<tf.Tensor1D>(batch.rowWeights, share);
  const originals = tf.unstack(original) as tf.Tensor2D[];
  return total(hidden.map((h, layer) => keepLoss(keywordRows(h), originals[layer]!, weights)));
}

/** Token-mode embeddings at every hidden state given: (layers, B, D). */
export const tokenEmbeddings = (hidden: readonly HiddenState[]): tf.Tensor3D =>
  tf.stack(hidden.map(keywordRows)) as tf.Tensor3D;

/** The mean over each row's keywords, or its first token where that alone is read: [batch, hidden]. */
const keywordRows = ({ state, counts }: HiddenState): tf.Tensor2D => tokenRows(state, counts);

// (B·S): 1 for each position that is a row.
function positionWeights({ attentionMask, rowWeights }: BatchTensors, positions: "real" | "all"): tf.Tensor1D {
  const counted =
    positions === "real" ? tf.cast(attentionMask, "float32") : tf.onesLike(tf.cast(attentionMask, "float32"));
  return tf.reshape(tf.mul(counted, tf.expandDims(rowWeights, 1)), [attentionMask.size]);
}

const total = (terms: readonly tf.Scalar[]): tf.Scalar => terms.reduce((sum, term) => tf.add(sum, term));
