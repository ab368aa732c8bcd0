import { tf } from "@pruning-bias/runtime";
import { withGradient } from "./gradient.ts";

/**
 * Layer normalisation over the last axis: n·weight + bias, n = (x − mean)/√(var + eps) (Ba et al. 2016, eq. 4).
 * x (N, D), weight and bias (D). The gradient keeps n and 1/σ:
 * dx = (dn − mean(dn) − n·mean(dn·n))/σ.
 */
export const layerNorm = (x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor, eps: number): tf.Tensor2D =>
  tf.add(tf.mul(normalise(x, eps), weight), bias);

const normalise = (x: tf.Tensor2D, eps: number): tf.Tensor2D =>
  withGradient((x: tf.Tensor2D, keep) => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps)); // 1/σ (N, 1)
    const n = tf.mul<tf.Tensor2D>(centred, inverse);
    keep([n, inverse]);
    return {
      value: n,
      gradient: (dn, [n, inverse]) => {
        const along = tf.mul(n!, tf.mean(tf.mul(dn, n!), -1, true));
        return tf.mul(inverse!, tf.sub(tf.sub(dn, tf.mean(dn, -1, true)), along));
      },
    };
  })(x);
