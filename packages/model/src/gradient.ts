import { tf } from "@pruning-bias/runtime";

/** A value, and its gradient as a function of the output's gradient and of what was kept: all that memory must hold. */
export interface WithGradient<Y extends tf.Tensor> {
  value: Y;
  gradient: (dy: tf.Tensor, kept: tf.Tensor[]) => tf.Tensor;
}

/** A function of one tensor whose gradient is written by hand; tensors passed to `keep` reach the gradient. */
export const withGradient = <X extends tf.Tensor, Y extends tf.Tensor>(
  fn: (x: X, keep: (tensors: tf.Tensor[]) => void) => WithGradient<Y>,
): ((x: X) => Y) => {
  const withGradFunc = (x: X, save: tf.GradSaveFunc) => {
    const { value, gradient } = fn(x, save);
    return { value, gradFunc: gradient };
  };
  // TensorFlow.js types the last argument as "a tensor or the save function".
  return tf.customGrad(withGradFunc as unknown as Parameters<typeof tf.customGrad>[0]) as unknown as (x: X) => Y;
};
