import { tf } from "./tf.ts";

/**
 * Value, a scalar, and gradients of a function of named tensors, each in the shape of its tensor. A tensor that the value does
 * not depend on has no entry among the gradients (`tf.valueAndGrads` refuses it).
 */
export function valueAndGradients<P extends Readonly<Record<string, tf.Tensor>>>(
  fn: (parameters: P) => tf.Scalar,
  parameters: P,
): { value: tf.Scalar; gradients: Record<string, tf.Tensor> } {
  const names = Object.keys(parameters);
  const tensors = names.map((name) => parameters[name]!);
  const { value, grads } = keepingForward(() => tf.engine().gradients(() => fn(parameters), tensors, undefined, true));
  const gradients = Object.fromEntries(names.flatMap((name, i) => (grads[i] == null ? [] : [[name, grads[i]]])));
  return { value: value as tf.Scalar, gradients };
}

/**
 * TensorFlow.js frees what a function has computed, but for its value and what gradients have asked for. Here it lives on
 * until the surrounding scope ends, as in a graph: functions return it beside the value, and gradients written by hand
 * use it.
 */
function keepingForward<T>(run: () => T): T {
  const engine = tf.engine() as { tidy: (name: unknown, fn?: () => unknown) => unknown };
  const { tidy } = engine;
  engine.tidy = (name, fn) => (name === "forward" ? fn!() : tidy.call(engine, name, fn));
  try {
    return run();
  } finally {
    engine.tidy = tidy;
  }
}
