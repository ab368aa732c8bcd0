import { tf, withGradient } from "@pruning-bias/runtime";

/**
 * Rows of an embedding table: table [V, hidden], ids [N] int32, result [N, hidden]. The row `padding` gets no gradient from here,
 * as PyTorch's `padding_idx`.
 */
export const lookup = (table: tf.Tensor2D, ids: tf.Tensor1D, padding: number | null = null): tf.Tensor2D =>
  withGradient((keep, table: tf.Tensor2D) => {
    keep([ids]);
    return {
      value: tf.gather<tf.Tensor2D>(table, ids),
      gradient: (dy, [ids]) => {
        const real = padding === null ? dy : without(padding, ids as tf.Tensor1D, dy);
        return tf.unsortedSegmentSum(real, ids as tf.Tensor1D, table.shape[0]);
      },
    };
  })(table);

function without(padding: number, ids: tf.Tensor1D, dy: tf.Tensor): tf.Tensor {
  const real = tf.cast(tf.notEqual(ids, tf.scalar(padding, "int32")), "float32");
  return tf.mul(dy, tf.reshape(real, [-1, 1]));
}
