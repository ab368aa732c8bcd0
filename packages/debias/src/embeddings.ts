import { tf } from "@pruning-bias/runtime";

/** Which hidden states a loss reads: 0 is the embedding output, l is after layer l; `CLS` is the last at the first token alone. */
export const embeddingLayers = ["first", "last", "all", "intermediate", "CLS"] as const;
/** A name of `embeddingLayers`. */
export type EmbeddingLayer = (typeof embeddingLayers)[number];

/** Whether a sentence counts with all its positions or with its keywords' mean. */
export const debiasModes = ["sentence", "token"] as const;
/** A name of `debiasModes`. */
export type DebiasMode = (typeof debiasModes)[number];

/**
 * Indices of the hidden states that `layer` names, for an encoder of `depth` layers: 0 is the embedding output, l is after
 * layer l; `intermediate` is 1 to 4, as in the original (Joniak and Aizawa 2022).
 *
 * @throws RangeError for a layer of another name, or a depth that is no whole number
 */
export function hiddenStateIndices(layer: EmbeddingLayer, depth: number): number[] {
  if (!embeddingLayers.includes(layer)) {
    throw new RangeError(`hiddenStateIndices: expected ${embeddingLayers.join(" | ")}, got ${String(layer)}`);
  }
  if (!(Number.isInteger(depth) && depth >= 0)) {
    throw new RangeError(`hiddenStateIndices: expected a number of layers, got ${depth}`);
  }
  const all = Array.from({ length: depth + 1 }, (_, index) => index);
  if (layer === "first") return [0];
  if (layer === "last" || layer === "CLS") return [depth];
  return layer === "all" ? all : all.slice(1, 5);
}

/** Every position as a row: [batch, length, hidden] → [batch·length, hidden]. */
export const sentenceRows = (hidden: tf.Tensor3D): tf.Tensor2D => {
  const [batch, width, dim] = hidden.shape;
  return tf.reshape(hidden, [batch * width, dim]);
};

/**
 * One row a sentence, the mean over its keywords: Σ_j m_j h_j / Σ_j m_j (Joniak and Aizawa 2022, their mode
 * `token`); NaN for a sentence without any.
 *
 * @param hidden [batch, length, hidden]
 * @param keywordMask [batch, length], float32; each row's sum must be above 0
 * @returns [batch, hidden]
 * @throws RangeError for a mask of another shape
 */
export function tokenRows(hidden: tf.Tensor3D, keywordMask: tf.Tensor2D): tf.Tensor2D {
  const [batch, width, dim] = hidden.shape;
  if (keywordMask.shape.join() !== `${batch},${width}`) {
    throw new RangeError(
      `tokenRows: expected a keyword mask [${batch}, ${width}], got [${keywordMask.shape.join(", ")}]`,
    );
  }
  const shares = tf.div(keywordMask, tf.sum(keywordMask, 1, true));
  return tf.reshape(tf.matMul(tf.reshape(shares, [batch, 1, width]), hidden), [batch, dim]);
}
