import { tf } from "@pruning-bias/runtime";

/**
 * Gates of each example's own, [E, g]: the N rows of x are E examples of N/E rows, one after the other, each of the g entries
 * covers a run of features. So one batch asks many sub-networks.
 */
export interface OwnGates {
  /** [E, g]: outputs. */
  readonly rows?: tf.Tensor2D | undefined;
  /** [E, g]: inputs. */
  readonly columns?: tf.Tensor2D | undefined;
  /** [E, g]: the bias, which is used as given without it. */
  readonly bias?: tf.Tensor2D | undefined;
}

/** x [N, features] under each example's own gate [E, g]. */
export function gateEach(x: tf.Tensor2D, gate: tf.Tensor2D | undefined): tf.Tensor2D {
  if (gate === undefined) return x;
  const [[count, features], [examples, entries]] = [x.shape, gate.shape];
  if (features % entries !== 0 || count % examples !== 0) {
    throw new RangeError(
      `linear: gates of its own for each example: expected divisors of [${count},${features}], got [${examples},${entries}]`,
    );
  }
  const runs = tf.reshape(x, [examples, count / examples, entries, features / entries]); // (E, N/E, g, features/g)
  return tf.reshape(tf.mul(runs, tf.reshape(gate, [examples, 1, entries, 1])), [count, features]);
}

/** A bias [out] under each example's own gate [E, g], for N rows: [N, out], or as it is without a gate. */
export function gateBiasOfEach(bias: tf.Tensor, gate: tf.Tensor2D | undefined, rows: number): tf.Tensor {
  if (gate === undefined) return bias;
  return gateEach(tf.broadcastTo(tf.reshape(bias, [1, bias.size]), [rows, bias.size]) as tf.Tensor2D, gate);
}
