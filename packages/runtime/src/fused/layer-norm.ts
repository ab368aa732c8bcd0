import { tf } from "../tf.ts";
import { oneNode } from "./one-node.ts";
import { withGradient } from "./with-gradient.ts";

/**
 * Layer normalisation over the last axis: n·weight + bias, n = (x − mean)/√(var + eps) (Ba et al. 2016, eq. 4).
 * x [N, D], weight and bias [D], result [N, D]. The gradient keeps x, its mean and 1/σ:
 * dx = (dn − mean(dn) − n·mean(dn·n))/σ, dn = dy·weight.
 */
export const layerNorm = (x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor, eps: number): tf.Tensor2D =>
  withGradient((keep, x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor) => {
    const rows = [x.shape[0], 1];
    const node = {
      op: "LayerNormalization",
      inputs: [x, weight, bias],
      shapes: [x.shape, rows, rows],
      attributes: { axis: -1, epsilon: { float: eps } },
    };
    const [value, mean, inverse] = oneNode(node, () => {
      const mean = tf.mean(x, -1, true);
      const centred = tf.sub(x, mean);
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps)); // 1/σ (N, 1)
      return [tf.add(tf.mul(tf.mul(centred, inverse), weight), bias), mean, inverse];
    });
    keep([x, mean!, inverse!, weight]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, [x, mean, inverse, weight]) => {
        const n = tf.mul(tf.sub(x!, mean!), inverse!);
        const dn = tf.mul(dy, weight!);
        const along = tf.mul(n, tf.mean(tf.mul(dn, n), -1, true));
        const dx = tf.mul(inverse!, tf.sub(tf.sub(dn, tf.mean(dn, -1, true)), along));
        return [dx, tf.reshape(tf.sum(tf.mul(dy, n), 0), weight!.shape), tf.reshape(tf.sum(dy, 0), bias.shape)];
      },
    };
  })(x, weight, bias);
