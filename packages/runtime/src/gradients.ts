import { tf } from "./tf.ts";

/**
 * Value and gradients of a scalar function of named tensors. A tensor that the value does not depend on has no entry
 * among the gradients (`tf.valueAndGrads` refuses it).
 */
export function valueAndGradients<P extends Readonly<Record<string, tf.Tensor>>>(
  fn: (parameters: P) => tf.Scalar,
  parameters: P,
): { value: tf.Scalar; gradients: Record<string, tf.Tensor> } {
  const names = Object.keys(parameters);
  const tensors = names.map((name) => parameters[name]!);
  const { value, grads } = tf.engine().gradients(() => fn(parameters), tensors, undefined, true);
  const gradients = Object.fromEntries(names.flatMap((name, i) => (grads[i] == null ? [] : [[name, grads[i]]])));
  return { value: value as tf.Scalar, gradients };
}
