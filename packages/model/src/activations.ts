import { tf } from "@pruning-bias/runtime";
import { withGradient } from "./gradient.ts";

/** gelu(x) = x·Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016, eq. 1). Its gradient keeps x alone. */
export const gelu = withGradient((x: tf.Tensor2D, keep) => {
  keep([x]);
  return {
    value: tf.mul<tf.Tensor2D>(x, normalCdf(x)),
    gradient: (dy, [x]) => tf.mul(dy, tf.add(normalCdf(x!), tf.mul(x!, normalPdf(x!)))),
  };
});

/** gelu by tanh: x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))) (Hendrycks & Gimpel 2016, eq. 2). Its gradient keeps x alone. */
export const geluTanh = withGradient((x: tf.Tensor2D, keep) => {
  keep([x]);
  return {
    value: tf.mul<tf.Tensor2D>(tf.mul(x, 0.5), tf.add(tanhOfCubic(x), 1)),
    gradient: (dy, [x]) => {
      const t = tanhOfCubic(x!);
      const slope = tf.mul(tf.add(tf.mul(tf.square(x!), 3 * CUBIC), 1), SQRT_2_OVER_PI);
      const dt = tf.mul(tf.sub(1, tf.square(t)), slope);
      return tf.mul(dy, tf.mul(tf.add(tf.add(t, 1), tf.mul(x!, dt)), 0.5));
    },
  };
});

/** Activations by the name that Hugging Face's `hidden_act` gives them. */
export const activations = {
  gelu,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu: (x: tf.Tensor2D): tf.Tensor2D => tf.relu(x),
};
export type ActivationName = keyof typeof activations;

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

const normalCdf = (x: tf.Tensor) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
const normalPdf = (x: tf.Tensor) => tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
const tanhOfCubic = (x: tf.Tensor) =>
  tf.tanh(tf.mul(tf.mul(x, tf.add(tf.mul(tf.square(x), CUBIC), 1)), SQRT_2_OVER_PI));
