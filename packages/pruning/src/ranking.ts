import { tf } from "@pruning-bias/runtime";

/**
 * 1 on the `count` largest of n values, among equals the first. Everything is counted in int32, so that no number of
 * values is too large for it; any shape in, int32 of that shape out. Carries no gradient.
 */
export function largest(values: tf.Tensor, count: tf.Scalar): tf.Tensor {
  const row = tf.reshape(values, [1, values.size]) as tf.Tensor2D;
  const ordered = tf.topk(row, values.size).values;
  const smallestKept = tf.gather(ordered, tf.reshape(tf.maximum(tf.sub(count, int(1)), int(0)), [1]), 1);
  return tf.reshape(keep(row, smallestKept, count), values.shape);
}

/** 1 on the `count` largest of each row (m, n), among equals the first; int32 (m, n). */
export const largestOfRows = (rows: tf.Tensor2D, count: number): tf.Tensor =>
  keep(rows, tf.slice(tf.topk(rows, count).values, [0, count - 1], [rows.shape[0], 1]), int(count));

function keep(rows: tf.Tensor2D, smallestKept: tf.Tensor, count: tf.Scalar): tf.Tensor {
  const above = tf.greater(rows, smallestKept);
  const tied = tf.equal(rows, smallestKept);
  const room = tf.sub(count, tf.sum(tf.cast(above, "int32"), 1, true));
  const first = tf.less(tf.cumsum(tf.cast(tied, "int32"), 1, true), room);
  return tf.cast(tf.logicalOr(above, tf.logicalAnd(first, tied)), "int32");
}

/** The same on the host. */
export function hostLargest(values: Float32Array, count: number): Uint8Array {
  const mask = new Uint8Array(values.length);
  if (count <= 0) return mask;
  const smallestKept = values.toSorted()[values.length - Math.min(count, values.length)]!;
  let room = count;
  for (const [index, value] of values.entries()) {
    if (value > smallestKept) {
      mask[index] = 1;
      room--;
    }
  }
  for (const [index, value] of values.entries()) {
    if (room <= 0) break;
    if (value === smallestKept) {
      mask[index] = 1;
      room--;
    }
  }
  return mask;
}

/**
 * ⌊density·n⌋ as int32, of a density in float32. A product that float32 rounds to just below an integer counts as that
 * integer: .7·10 is 7, and of 2²² and more values the next one, never above n.
 */
export const countKept = (density: tf.Scalar, n: number): tf.Scalar =>
  tf.minimum(tf.cast(tf.floor(tf.mul(density, raised(n))), "int32"), int(n));

/** The same on the host, to the bit. */
export const hostCountKept = (density: number, n: number): number =>
  Math.min(Math.floor(Math.fround(Math.fround(density) * raised(n))), n);

const int = (value: number): tf.Scalar => tf.scalar(value, "int32");

const raised = (n: number) => Math.fround(n * (1 + 2 ** -22));
