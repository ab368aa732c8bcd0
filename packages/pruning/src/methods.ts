import { ndarray, type NDArray, type Random, tf, withGradient } from "@pruning-bias/runtime";
import { hardConcrete, hostHardConcrete } from "./hard-concrete.ts";
import { countKept, hostCountKept, hostLargest, largest } from "./ranking.ts";

/** Where noise of training comes from: uniform numbers between 0 and 1. */
export type Noise = Pick<Random, "uniform">;

/** How scores become a mask. */
export interface Binariser {
  /** One of ours by name, or one of one's own. */
  readonly method: MethodName | PruningMethod;
  /** Share of a tensor's scores that stays open at any threshold, 0 … 1; 0: none need to. */
  readonly minElements: number;
}

/**
 * How scores S become a mask at a threshold τ. Written twice, for tensors and for the host, with the same float32
 * comparisons.
 */
export interface Method {
  /** The mask [shape of the scores], float32, with the gradient that reaches them; `noise` while training. */
  mask(scores: tf.Tensor, threshold: tf.Scalar, noise: Noise | undefined, minElements: number): tf.Tensor;
  /** The same on the host, [n] scores to [n] masks, without noise. */
  hostMask(scores: Float32Array, threshold: number, minElements: number): Uint8Array | Float32Array;
  /** The score at which a mask flips, of n scores [n]: those above it are open. */
  cutoff(scores: Float32Array, threshold: number): number;
  /** What a threshold may be, both ends included. */
  readonly thresholds: readonly [least: number, most: number];
  /** The threshold is a density, and whether a score is open depends on the others of its tensor. */
  readonly ranked: boolean;
  /** Scores are not parameters but the weights' own magnitudes. */
  readonly ofWeights: boolean;
  /** Masks lie between 0 and 1. */
  readonly soft: boolean;
  /**
   * What each score costs, [shape of the scores] to the same, in place of the settings' regulariser: a score tensor counts
   * with the mean over it.
   */
  readonly penalty?: ((scores: tf.Tensor) => tf.Tensor) | undefined;
  /** τ's way from its first value (q = 1) to its last (0), in place of the settings' schedule: 1 ↦ 1, 0 ↦ 0. */
  readonly curve?: ((q: number) => number) | undefined;
}

/** A method of one's own, made by `definePruningMethod`; settings take it where they take the name of one of ours. */
export interface PruningMethod extends Method {
  /** What files of scores call it. */
  readonly name: string;
}

/** The methods of the library; `definePruningMethod` makes others. */
export type MethodName = "sigmoid_threshold" | "threshold" | "topK" | "magnitude" | "l0";

const unbounded = [-Infinity, Infinity] as const;
const share = [0, 1] as const;
const hard = { ranked: false, ofWeights: false, soft: false };

export const methods: Record<MethodName, Method> = {
  /** M = [σ(S) > τ] (Lagunas et al. 2021, section 3), dL/dS = dL/dM straight through: dL/dS = dL/dM (ibid., section 4). */
  sigmoid_threshold: {
    ...thresholded(
      (scores) => tf.sigmoid(scores),
      (score) => Math.fround(1 / (1 + Math.exp(-score))),
    ),
    cutoff: (_, threshold) => Math.log(threshold / (1 - threshold)),
    thresholds: share,
    ...hard,
  },
  /** M = [S > τ] (soft movement pruning, Sanh et al. 2020), straight through: dL/dS = dL/dM (ibid., section 4). */
  threshold: {
    ...thresholded(
      (scores) => scores,
      (score) => score,
    ),
    cutoff: (_, threshold) => threshold,
    thresholds: unbounded,
    ...hard,
  },
  /**
   * M = 1 on the ⌊τ·n⌋ largest of n scores, among equals the first (movement pruning, Sanh et al. 2020), straight through:
   * dL/dS = dL/dM (ibid., section 4).
   */
  topK: { ...rankedBy(true), ofWeights: false },
  /**
   * The same on magnitudes: the mean |W| of a block's weights (Han et al. 2015; of a group of weights, Li et al. 2017).
   * Nothing is learnt, and no gradient passes through the mask.
   */
  magnitude: { ...rankedBy(false), ofWeights: true },
  /**
   * M = min(1, max(0, 1.2·s − 0.1)), s of S and noise (Louizos et al. 2018, Eq. 10–13), with its true gradient:
   * dL/dS = dL/dM·1.2·s′ where M is neither 0 nor 1, else 0.
   */
  l0: {
    mask: (scores, _, noise) => hardConcrete(scores, noise),
    hostMask: (scores) => scores.map(hostHardConcrete),
    cutoff: () => Math.log(0.1 / 1.1),
    thresholds: unbounded,
    ...hard,
    soft: true,
  },
};

/** What a method computes: one of ours by its name, one of one's own as it is. */
export const methodOf = (method: Binariser["method"]): Method =>
  typeof method === "string" ? methods[method] : method;

/** What a method is called, in settings and files. */
export const nameOf = (method: Binariser["method"] | "disabled"): string =>
  typeof method === "string" ? method : method.name;

/**
 * The mask of a score tensor, [shape of the scores] and float32: 0 or 1 with a gradient that is passed on unchanged to the
 * scores, open or closed (straight-through estimator, Bengio et al. 2013); between 0 and 1 with its own gradient for l0;
 * without any for magnitude. The threshold gets no gradient.
 *
 * @param threshold a density 0 … 1 for topK and magnitude
 * @param noise that of training, which l0 reads; without it the mask is that of evaluation
 */
export const binarise = (
  scores: tf.Tensor,
  threshold: tf.Scalar,
  { method, minElements }: Binariser,
  noise?: Noise,
): tf.Tensor => methodOf(method).mask(scores, threshold, noise, minElements);

/**
 * The mask of a score tensor on the host, [shape of the scores], as in evaluation: bytes of 0 and 1, or float32 for l0. The
 * numbers are those of `binarise`.
 */
export const hostBinarise = (
  { data, shape }: NDArray,
  threshold: number,
  { method, minElements }: Binariser,
): NDArray => ndarray(methodOf(method).hostMask(data as Float32Array, threshold, minElements), shape);

function thresholded(
  value: (scores: tf.Tensor) => tf.Tensor,
  hostValue: (score: number) => number,
): Pick<Method, "mask" | "hostMask"> {
  return {
    mask: (scores, threshold, _, minElements) =>
      straightThrough(scores, (values) => {
        const open = tf.cast(tf.greater(value(values), threshold), "int32");
        const least = minimum(minElements, values.size);
        if (least === 0) return open;
        const fallback = largest(values, tf.scalar(fallbackCount(least, values.size), "int32"));
        return tf.where(tf.less(tf.sum(open), least), fallback, open);
      }),
    hostMask(scores, threshold, minElements) {
      const open = Uint8Array.from(scores, (score) => Number(hostValue(score) > Math.fround(threshold)));
      const least = minimum(minElements, scores.length);
      const enough = least === 0 || open.reduce((sum, bit) => sum + bit, 0) >= least;
      return enough ? open : hostLargest(scores, fallbackCount(least, scores.length));
    },
  };
}

function rankedBy(scoresLearn: boolean): Omit<Method, "ofWeights"> {
  const open = (scores: tf.Tensor, density: tf.Scalar) => largest(scores, countKept(density, scores.size));
  return {
    mask: (scores, density) =>
      scoresLearn
        ? straightThrough(scores, (values) => open(values, density))
        : constant(scores, (values) => open(values, density)),
    hostMask: (scores, density) => hostLargest(scores, hostCountKept(density, scores.length)),
    cutoff(scores, density) {
      const count = hostCountKept(density, scores.length);
      const sorted = scores.toSorted();
      return ((sorted[scores.length - count] ?? Infinity) + (sorted[scores.length - count - 1] ?? -Infinity)) / 2;
    },
    thresholds: share,
    ranked: true,
    soft: false,
  };
}

// min_elements e: at least ⌊e·n⌋ + 1 of n scores, but never all of them, as in nn_pruning; ours breaks ties by index.
const minimum = (minElements: number, n: number) => (minElements === 0 ? 0 : Math.floor(minElements * n) + 1);
const fallbackCount = (least: number, n: number) => Math.min(least, n - 1);

/**
 * fn(x) as float32, [shape of x], whose gradient passes to x unchanged: dL/dx = dL/dfn (straight-through estimator,
 * Bengio et al. 2013, 1308.3432). Nothing that fn does is differentiated.
 *
 * @param fn gives a result in the shape of x
 */
export const straightThrough = (x: tf.Tensor, fn: (x: tf.Tensor) => tf.Tensor): tf.Tensor =>
  withGradient((_, x: tf.Tensor) => ({ value: tf.cast(fn(x), "float32"), gradient: (dy) => dy }))(x);

const constant = (x: tf.Tensor, fn: (x: tf.Tensor) => tf.Tensor): tf.Tensor =>
  withGradient((_, x: tf.Tensor) => ({ value: tf.cast(fn(x), "float32"), gradient: (dy) => tf.zerosLike(dy) }))(x);
