import { tf } from "../tf.ts";

/** A value, and its gradients as a function of the output's gradient and of what was kept: all that memory must hold. */
export interface WithGradient<Y extends tf.Tensor> {
  /** What the function gives. */
  value: Y;
  /** One gradient for each input, [shape of the input], in their order; a tensor for a function of one. */
  gradient: (dy: tf.Tensor, kept: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
}

/** Passes tensors on to the gradient. */
export type Keep = (tensors: tf.Tensor[]) => void;

/**
 * A function of tensors whose gradient is written by hand. What it recomputes from little is written otherwise in the
 * gradient than in the value where it can: onnxruntime computes equal nodes once, and keeps the result alive in between.
 */
export const withGradient = <X extends tf.Tensor[], Y extends tf.Tensor>(
  fn: (keep: Keep, ...inputs: X) => WithGradient<Y>,
): ((...inputs: X) => Y) => {
  const withGradFunc = (...args: [...inputs: X, save: tf.GradSaveFunc]) => {
    const { value, gradient } = fn(args.at(-1) as Keep, ...(args.slice(0, -1) as X));
    return { value, gradFunc: gradient };
  };
  // TensorFlow.js types each argument as "a tensor or the save function".
  return tf.customGrad(withGradFunc as unknown as Parameters<typeof tf.customGrad>[0]) as unknown as (
    ...inputs: X
  ) => Y;
};
