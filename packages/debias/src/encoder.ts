import type { BertConfig } from "@pruning-bias/model";
import { encodeMasked, type GateSets, type Layout, type MaskTraining } from "@pruning-bias/pruning";
import { ndarray, type NDArray, type Random, tf } from "@pruning-bias/runtime";
import type { PaddedBatch } from "@pruning-bias/data";
import type { Tensors } from "@pruning-bias/training";

/** What is being debiased: an encoder, and where its pruning scores sit when it is pruned. */
export interface Subject {
  readonly config: BertConfig;
  readonly layout?: Layout;
}

/** Sentences on their way through the encoder. */
export interface BatchTensors {
  /** [batch, length], int32. */
  readonly inputIds: tf.Tensor2D;
  /** [batch, length], int32: 1 at real tokens. */
  readonly attentionMask: tf.Tensor2D;
  /** [batch, length], float32: how often a position is a keyword. */
  readonly keywordMask: tf.Tensor2D;
  /** [batch, K], int32: where keywords are, filled up with first positions. */
  readonly keywordPositions: tf.Tensor2D;
  /** [batch, K], float32: the keyword mask there, 0 where it is filled up. */
  readonly keywordCounts: tf.Tensor2D;
  /** [batch], float32: 0 for rows that only fill the batch. */
  readonly rowWeights: tf.Tensor1D;
}

/** Where the last hidden state is read: everywhere, where keywords are, or at the first token, [CLS]. */
export type Places = "all" | "keywords" | "first";

/**
 * A hidden state at all positions, [batch, length, hidden], at the keywords, [batch, K, hidden], or at the first token,
 * [batch, 1, hidden], and how often each of them counts in the mean over a sentence.
 */
export interface HiddenState {
  readonly state: tf.Tensor3D;
  /** [batch, length], [batch, K] or [batch, 1], float32. */
  readonly counts: tf.Tensor2D;
}

/** How far and where to compute hidden states. */
export interface HiddenStatesOptions {
  readonly threshold: tf.Scalar;
  readonly layers: number;
  /** Compute the last layer here alone. */
  readonly lastAt: Places;
  /** Dropout as the config says; without it, none. */
  readonly random?: Random | undefined;
  /** Masks of training; without it, those of evaluation. */
  readonly maskTraining?: MaskTraining | undefined;
  /** Masks of modules by candidate: the batch is all candidates' one after the other. */
  readonly gateSets?: GateSets<tf.Tensor2D> | undefined;
}

/**
 * Hidden states 0 … `layers`, each [batch, length, hidden], the last at the places where it is read alone, of the encoder under the
 * masks that its scores make at `threshold`.
 *
 * @param parameters weights and scores by name
 */
export function hiddenStates(
  { config, layout }: Subject,
  parameters: Tensors,
  batch: BatchTensors,
  { threshold, layers, lastAt, random, maskTraining, gateSets }: HiddenStatesOptions,
): HiddenState[] {
  const masked = { weights: parameters, scores: parameters, threshold };
  const last = layers === 0 ? undefined : placesOf(batch, lastAt);
  const states = encodeMasked(config, layout, masked, batch, {
    ...{ layers, maskTraining, random, gateSets },
    ...(last && { lastPositions: last.positions }),
  });
  return states.map((state, layer) => ({
    state,
    counts: layer === layers && last !== undefined ? last.counts : batch.keywordMask,
  }));
}

/** Positions, [batch, K] or [batch, 1], and how often each counts; none for all of them. */
function placesOf({ keywordPositions: positions, keywordCounts: counts }: BatchTensors, places: Places) {
  if (places === "all") return undefined;
  if (places === "keywords") return { positions, counts };
  const first = tf.slice(positions, [0, 0], [-1, 1]); // [batch, 1]
  return { positions: tf.zerosLike(first), counts: tf.onesLike(tf.cast<tf.Tensor2D>(first, "float32")) };
}

/** A padded batch as host arrays of the shapes that `BatchTensors` names. */
export function batchArrays(batch: PaddedBatch): { readonly [K in keyof BatchTensors]: NDArray } {
  const { inputIds, attentionMask, keywordMask, rowWeights, shape } = batch;
  return {
    inputIds: ndarray(inputIds, shape),
    attentionMask: ndarray(attentionMask, shape),
    keywordMask: ndarray(keywordMask, shape),
    rowWeights: ndarray(rowWeights),
    ...keywords(keywordMask, shape),
  };
}

/**
 * Where each row has its keywords. K is one of a few numbers, so that few shapes are compiled.
 */
function keywords(mask: Float32Array, [B, S]: readonly [number, number]) {
  const found = Array.from({ length: B }, (_, row) => {
    const own = mask.subarray(row * S, (row + 1) * S);
    return Int32Array.from(own.keys()).filter((position) => own[position] !== 0);
  });
  const most = Math.max(...found.map((own) => own.length));
  let K = 4;
  while (K < most) K *= 4;
  const positions = new Int32Array(B * K);
  for (const [row, own] of found.entries()) positions.set(own, row * K);
  const counts = Float32Array.from(positions, (position, i) => {
    const row = Math.floor(i / K);
    return i % K < found[row]!.length ? mask[row * S + position]! : 0;
  });
  return { keywordPositions: ndarray(positions, [B, K]), keywordCounts: ndarray(counts, [B, K]) };
}
