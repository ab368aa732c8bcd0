import type { BertConfig } from "@pruning-bias/model";
import { encodeMasked, type Layout } from "@pruning-bias/pruning";
import { ndarray, type NDArray, type Random, type tf } from "@pruning-bias/runtime";
import type { PaddedBatch } from "@pruning-bias/data";
import type { Tensors } from "@pruning-bias/training";

/** What is being debiased: an encoder, and where its pruning scores sit when it is pruned. */
export interface Subject {
  readonly config: BertConfig;
  readonly layout?: Layout;
}

/** Sentences on their way through the encoder. */
export interface BatchTensors {
  /** (B, S), int32. */
  readonly inputIds: tf.Tensor2D;
  /** (B, S), int32: 1 at real tokens. */
  readonly attentionMask: tf.Tensor2D;
  /** (B, S), float32: how often a position is a keyword. */
  readonly keywordMask: tf.Tensor2D;
  /** (B), float32: 0 for rows that only fill the batch. */
  readonly rowWeights: tf.Tensor1D;
}

/**
 * Hidden states 0 … `layers`, each (B, S, D), of the encoder under the masks that its scores make at `threshold`.
 *
 * @param parameters weights and scores by name
 * @param random dropout as the config says; without it, evaluation mode
 */
export function hiddenStates(
  { config, layout }: Subject,
  parameters: Tensors,
  { inputIds, attentionMask }: BatchTensors,
  { threshold, layers, random }: { threshold: tf.Scalar; layers: number; random?: Random },
): tf.Tensor3D[] {
  const masked = { weights: parameters, scores: parameters, threshold };
  const dropout = random === undefined ? {} : { dropout: random.dropout };
  return encodeMasked(config, layout, masked, { inputIds, attentionMask }, { layers, ...dropout });
}

/** A padded batch as host arrays of the shapes that `BatchTensors` names. */
export function batchArrays(batch: PaddedBatch): { readonly [K in keyof BatchTensors]: NDArray } {
  const { inputIds, attentionMask, keywordMask, rowWeights, shape } = batch;
  return {
    inputIds: ndarray(inputIds, shape),
    attentionMask: ndarray(attentionMask, shape),
    keywordMask: ndarray(keywordMask, shape),
    rowWeights: ndarray(rowWeights),
  };
}
