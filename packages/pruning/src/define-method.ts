import { tf } from "@pruning-bias/runtime";
import { type Method, methods, type PruningMethod } from "./methods.ts";

/** A pruning method of one's own: how scores become a mask, and what else of pruning is to be its own. */
export interface PruningMethodOptions extends Pick<Method, "mask" | "cutoff" | "penalty" | "curve"> {
  /** A word; files of scores hold it, and whoever reads them hands the method over again. */
  readonly name: string;
  /**
   * The mask in evaluation, 0 … 1, on the host. By default `mask` itself, run by TensorFlow.js: write it where the last bit
   * decides, or where there are millions of scores.
   */
  readonly hostMask?: Method["hostMask"];
  /** What a threshold may be, both ends included; anything by default. */
  readonly thresholds?: Method["thresholds"];
  /** The threshold is a density, and a score's mask depends on the others of its tensor; `false` by default. */
  readonly ranked?: boolean;
  /** Scores are no parameters but the mean |W| of the weights under them; `false` by default. */
  readonly ofWeights?: boolean;
  /** Masks lie between 0 and 1; `false` by default. */
  readonly soft?: boolean;
}

/**
 * A pruning method for `PruningSettings`, in the place of a name: layouts, `encodeMasked`, `regulariser`, `schedule`, host
 * masks, score files and permanent pruning take it as they take ours.
 *
 * `mask` maps scores of any shape to a mask of that shape, on TensorFlow.js ops, with whatever gradient it has: its own, that
 * of `withGradient`, or `straightThrough`. It may compare scores with each other, but not read where they stand, and gates
 * must close one after the other as the threshold goes its way. `cutoff` is the score above which a mask is open, by which runs
 * tell gates that are undecided.
 *
 * @throws Error `definePruningMethod: …` for a name that is no word or that a method of ours has
 */
export function definePruningMethod(options: PruningMethodOptions): PruningMethod {
  const { name, mask, thresholds = [-Infinity, Infinity], ranked = false, ofWeights = false, soft = false } = options;
  if (!/^[A-Za-z]\w*$/.test(name)) {
    throw new Error(`definePruningMethod: expected a name of letters, digits and _, got ${JSON.stringify(name)}`);
  }
  if (name === "disabled" || name === "sigmoied_threshold" || Object.hasOwn(methods, name)) {
    throw new Error(`definePruningMethod: expected a name that is not taken, got ${name}`);
  }
  const method = {
    ...options,
    ...{ hostMask: options.hostMask ?? runOnHost(mask, soft), thresholds, ranked, ofWeights, soft },
    // Settings are written as JSON, which no code gets into.
    toJSON: () => name,
  };
  made.add(method);
  return Object.freeze(method);
}

export const isPruningMethod = (value: unknown): value is PruningMethod => made.has(value as PruningMethod);

const made = new WeakSet<PruningMethod>();

const runOnHost =
  (mask: Method["mask"], soft: boolean): Method["hostMask"] =>
  (scores, threshold, minElements) => {
    const backend = (tf.getBackend() as string | undefined) ?? "cpu"; // none before anything has run
    void tf.setBackend("cpu");
    try {
      const values = tf.tidy(() => mask(tf.tensor1d(scores), tf.scalar(threshold), undefined, minElements).dataSync());
      return soft ? Float32Array.from(values) : Uint8Array.from(values);
    } finally {
      void tf.setBackend(backend);
    }
  };
