import { type Batch, type BertConfig, encode, type EncodeOptions, type Weights } from "@pruning-bias/model";
import type { tf } from "@pruning-bias/runtime";
import { applyMasks, type MaskTraining } from "./apply-masks.ts";
import { gateOf, type GateSets } from "./gate-sets.ts";
import type { HostScores } from "./host-masks.ts";
import type { Layout } from "./layout.ts";

/** Pruning scores on the host, and the threshold that makes masks of them. */
export interface Pruned {
  /** Which scores gate what. */
  readonly layout: Layout;
  /**
   * Trained scores, and fixed ones where they are at hand, in the shapes of the layout ([rows, columns] of blocks, [n]
   * neurons).
   */
  readonly scores: HostScores;
  /** τ in evaluation: the final one of a run. */
  readonly threshold: number;
}

/** An encoder's weights, and the scores that mask them. */
export interface MaskedWeights {
  /** By name, as `encode` takes them: [out, in] or [n]. */
  readonly weights: Weights;
  /** Score tensors by name, in the shapes of the layout ([rows, columns] of blocks, [n] neurons). */
  readonly scores: Readonly<Record<string, tf.Tensor>>;
  /** τ of this step. */
  readonly threshold: tf.Scalar;
}

/** How to encode, and what masks read while training: without it they are those of evaluation. */
export type EncodeMaskedOptions = Omit<EncodeOptions, "gates"> & {
  /** What masks read while training; absent in evaluation. */
  readonly maskTraining?: MaskTraining | undefined;
  /**
   * Masks of these modules, [C, g], in place of those of their scores: the batch is C candidates' one after the other. None by
   * default.
   */
  readonly gateSets?: GateSets<tf.Tensor2D> | undefined;
};

/**
 * The hidden states of an encoder, [0] after the embeddings and [l] after layer l, each [batch, length, hidden], under the masks that
 * its scores make; as it is without a layout.
 *
 * @throws what `applyMasks` and `encode` throw
 */
export function encodeMasked(
  config: BertConfig,
  layout: Layout | undefined,
  { weights, scores, threshold }: MaskedWeights,
  batch: Batch,
  { maskTraining, gateSets = {}, ...options }: EncodeMaskedOptions = {},
): tf.Tensor3D[] {
  if (layout === undefined) return encode(config, weights, batch, options);
  const [given, made] = [true, false].map((given) => layout.modules.filter(({ name }) => name in gateSets === given));
  const masked = applyMasks({ ...layout, modules: made! }, weights, scores, threshold, maskTraining);
  const own = given!.map((module) => [module.name, gateOf(module, gateSets[module.name]!, layout)] as const);
  return encode(config, masked.weights, batch, { ...options, gates: { ...masked.gates, ...Object.fromEntries(own) } });
}
