import { sizeOf } from "../../ndarray.ts";
import { tf } from "../../tf.ts";

/**
 * The gradient of an op that moves, repeats or drops elements of x (shape): it moves the elements' positions the same
 * way, and adds dy up at them.
 */
export function addedBack(dy: tf.Tensor, shape: number[], move: (positions: tf.Tensor) => tf.Tensor): tf.Tensor {
  const size = sizeOf(shape);
  const positions = move(tf.reshape(tf.range(0, size, 1, "int32"), shape));
  return tf.reshape(addedAt(tf.reshape(positions, [-1]), tf.reshape(dy, [-1]), size), shape);
}

/** A vector of `size` with the values added up at positions, both [N]. */
export const addedAt = (positions: tf.Tensor, values: tf.Tensor, size: number): tf.Tensor =>
  tf.scatterND(tf.reshape(positions, [-1, 1]), values, [size]);

/** Sums over the axes along which an operand of this shape was broadcast. */
export function summedTo(shape: number[], gradient: tf.Tensor): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  return tf.reshape(axes.length === 0 ? gradient : tf.sum(gradient, axes), shape);
}
