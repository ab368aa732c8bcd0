import { tf } from "../tf.ts";
import { oneNode } from "./one-node.ts";
import { withGradient } from "./with-gradient.ts";

/**
 * gelu(x) = x·Φ(x), [shape of x], Φ the normal distribution function (Hendrycks & Gimpel 2016, eq. 1). Its gradient keeps x
 * alone.
 */
export const gelu: (x: tf.Tensor2D) => tf.Tensor2D = withGradient((keep, x: tf.Tensor2D) => {
  keep([x]);
  const node = { op: "Gelu", inputs: [x], shapes: [x.shape] };
  const [value] = oneNode(node, () => [tf.mul(x, normalCdf(tf.mul(x, Math.SQRT1_2)))]);
  return {
    value: value as tf.Tensor2D,
    gradient: (dy, [x]) => {
      const s = tf.mul(x!, Math.SQRT1_2);
      // x·φ(x) = s·exp(−s²)/√π
      const slope = tf.mul(s, tf.exp(tf.sub(Math.log(1 / Math.sqrt(Math.PI)), tf.mul(s, s))));
      return tf.mul(dy, tf.add(normalCdf(s), slope));
    },
  };
});

/**
 * gelu by tanh: x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), [shape of x] (Hendrycks & Gimpel 2016, eq. 2). Its gradient keeps x
 * alone.
 */
export const geluTanh: (x: tf.Tensor2D) => tf.Tensor2D = withGradient((keep, x: tf.Tensor2D) => {
  keep([x]);
  const node = { op: "Gelu", inputs: [x], shapes: [x.shape], attributes: { approximate: { text: "tanh" } } };
  const [value] = oneNode(node, () => [tf.mul(tf.mul(x, 0.5), tf.add(tanhOfCubic(x), 1))]);
  return {
    value: value as tf.Tensor2D,
    gradient: (dy, [x]) => {
      const t = tanhOfCubic(x!);
      const slope = tf.mul(tf.add(tf.mul(tf.square(x!), 3 * CUBIC), 1), SQRT_2_OVER_PI);
      const dt = tf.mul(tf.sub(1, tf.square(t)), slope);
      return tf.mul(dy, tf.mul(tf.add(tf.add(t, 1), tf.mul(x!, dt)), 0.5));
    },
  };
});

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** Φ(√2·s) = (1 + erf s)/2: a line through a clip that never acts, which is one pass over memory and not two. */
function normalCdf(s: tf.Tensor): tf.Tensor {
  const erf = tf.erf(s);
  const node = {
    op: "HardSigmoid",
    inputs: [erf],
    shapes: [s.shape],
    attributes: { alpha: { float: 0.5 }, beta: { float: 0.5 } },
  };
  return oneNode(node, () => [tf.add(tf.mul(erf, 0.5), 0.5)])[0]!;
}
const tanhOfCubic = (x: tf.Tensor) =>
  tf.tanh(tf.mul(tf.mul(x, tf.add(tf.mul(tf.square(x), CUBIC), 1)), SQRT_2_OVER_PI));
