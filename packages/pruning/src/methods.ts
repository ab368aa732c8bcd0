import { ndarray, type NDArray, tf, withGradient } from "@pruning-bias/runtime";

/**
 * How scores S become a mask of zeros and ones at a threshold τ, which for topK is the density that is kept. Written
 * twice, for tensors and for the host, with the same float32 comparisons.
 */
export interface Method {
  /** 1 where open, else 0; float32, the shape of the scores. Carries no gradient. */
  open(scores: tf.Tensor, threshold: tf.Scalar): tf.Tensor;
  /** The same on the host. */
  hostOpen(scores: Float32Array, threshold: number): Uint8Array;
  /** The score at which a mask flips: those above it are open. */
  cutoff(scores: Float32Array, threshold: number): number;
  /** What a threshold may be. */
  readonly thresholds: readonly [least: number, most: number];
  /** Whether a score's mask depends on the other scores of its tensor. */
  readonly ranked: boolean;
}

export type MethodName = "sigmoid_threshold" | "threshold" | "topK";

export const methods: Record<MethodName, Method> = {
  /** M = [σ(S) > τ] (Lagunas et al. 2021). */
  sigmoid_threshold: {
    open: (scores, threshold) => tf.cast(tf.greater(tf.sigmoid(scores), threshold), "float32"),
    hostOpen: (scores, threshold) => Uint8Array.from(scores, (s) => Number(sigmoid(s) > Math.fround(threshold))),
    cutoff: (_, threshold) => Math.log(threshold / (1 - threshold)),
    thresholds: [0, 1],
    ranked: false,
  },
  /** M = [S > τ] (soft movement pruning, Sanh et al. 2020). */
  threshold: {
    open: (scores, threshold) => tf.cast(tf.greater(scores, threshold), "float32"),
    hostOpen: (scores, threshold) => Uint8Array.from(scores, (s) => Number(s > Math.fround(threshold))),
    cutoff: (_, threshold) => threshold,
    thresholds: [-Infinity, Infinity],
    ranked: false,
  },
  /** M = 1 on the ⌊τ·n⌋ largest of n scores, among equals the first (movement pruning, Sanh et al. 2020). */
  topK: {
    open: (scores, density) =>
      tf.cast(tf.less(ranks(scores), tf.floor(tf.mul(density, scores.size * ABOVE))), "float32"),
    hostOpen: (scores, density) => largest(scores, kept(density, scores.length)),
    cutoff(scores, density) {
      const count = kept(density, scores.length);
      const sorted = scores.toSorted((a, b) => b - a);
      return ((sorted[count - 1] ?? Infinity) + (sorted[count] ?? -Infinity)) / 2;
    },
    thresholds: [0, 1],
    ranked: true,
  },
};

/** Which method, and the share of scores that stays open whatever the threshold says (0: none need to). */
export interface Binariser {
  readonly method: MethodName;
  readonly minElements: number;
}

/**
 * The mask of a score tensor, 0 or 1 in float32, whose gradient is passed on unchanged to the scores, open or closed
 * (straight-through estimator, Bengio et al. 2013). The threshold gets no gradient.
 */
export function binarise(scores: tf.Tensor, threshold: tf.Scalar, { method, minElements }: Binariser): tf.Tensor {
  return straightThrough(scores, (values) => {
    const open = methods[method].open(values, threshold);
    const least = minimum(minElements, values.size);
    if (least === 0 || methods[method].ranked) return open;
    const fallback = tf.cast(tf.less(ranks(values), fallbackCount(least, values.size)), "float32");
    return tf.where(tf.less(tf.sum(open), least), fallback, open);
  });
}

/** The mask of a score tensor on the host, in its shape. */
export function hostBinarise({ data, shape }: NDArray, threshold: number, { method, minElements }: Binariser): NDArray {
  const scores = data as Float32Array;
  const open = methods[method].hostOpen(scores, threshold);
  const least = minimum(minElements, scores.length);
  const enough = methods[method].ranked || open.reduce((sum, bit) => sum + bit, 0) >= least;
  return ndarray(enough ? open : largest(scores, fallbackCount(least, scores.length)), shape);
}

// min_elements e: at least ⌊e·n⌋ + 1 of n scores, but never all of them, as in nn_pruning; ours breaks ties by index.
const minimum = (minElements: number, n: number) => (minElements === 0 ? 0 : Math.floor(minElements * n) + 1);
const fallbackCount = (least: number, n: number) => Math.min(least, n - 1);

// So that ⌊τ·n⌋ in float32 does not fall below an integer that τ·n is meant to be.
const ABOVE = 1 + 2 ** -22;
const kept = (density: number, n: number) => Math.floor(Math.fround(density) * n * ABOVE);

/** 0 for the largest score, n − 1 for the smallest; among equals the first comes first. Compares all pairs: n² work. */
function ranks(scores: tf.Tensor): tf.Tensor {
  const n = scores.size;
  const own = tf.reshape(scores, [n, 1]);
  const other = tf.reshape(scores, [1, n]);
  const position = tf.range(0, n, 1, "float32");
  const earlier = tf.less(tf.reshape(position, [1, n]), tf.reshape(position, [n, 1]));
  const ahead = tf.logicalOr(tf.greater(other, own), tf.logicalAnd(tf.equal(other, own), earlier));
  return tf.reshape(tf.sum(tf.cast(ahead, "float32"), 1), scores.shape);
}

function largest(scores: Float32Array, count: number): Uint8Array {
  const mask = new Uint8Array(scores.length);
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
  for (const index of order.slice(0, count)) mask[index] = 1;
  return mask;
}

const sigmoid = (score: number) => Math.fround(1 / (1 + Math.exp(-score)));

const straightThrough = (x: tf.Tensor, fn: (x: tf.Tensor) => tf.Tensor): tf.Tensor =>
  withGradient((_, x: tf.Tensor) => ({ value: fn(x), gradient: (dy) => dy }))(x);
