import type { DropoutMask } from "../random.ts";
import { tf } from "../tf.ts";
import { product } from "./product.ts";
import { withGradient } from "./with-gradient.ts";

/** What attention takes besides queries, keys and values. */
export interface AttentionOptions {
  /**
   * Added to the logits, [batch, 1, 1, length] or any shape that spreads over [batch, heads, Q, length]; it gets no gradient.
   * None by default.
   */
  readonly bias?: tf.Tensor | undefined;
  /** Dropout of the probabilities, [batch, heads, Q, length]; none by default. */
  readonly mask?: DropoutMask | undefined;
}

/** The probabilities of scaled dot-product attention, softmax(q kᵀ/√d + bias): [batch, heads, Q, length]. See `attention`. */
export const attentionProbabilities = (q: tf.Tensor4D, k: tf.Tensor4D, bias?: tf.Tensor): tf.Tensor4D =>
  withGradient((keep, q: tf.Tensor4D, k: tf.Tensor4D) => {
    const p = softmax(q, k, bias);
    keep([q, k, p]);
    return { value: p, gradient: (dp, [q, k, p]) => ofLogits(q!, k!, p!, dp) };
  })(q, k);

/**
 * Scaled dot-product attention, softmax(q kᵀ/√d + bias) v (Vaswani et al. 2017, eq. 1), with dropout on the probabilities:
 * q [batch, heads, Q, d], k and v [batch, heads, length, d], result [batch, heads, Q, d].
 *
 * The gradient keeps q, k, v and the probabilities p before dropout: dv = p̃ᵀdy with p̃ = p∘mask, dp = (dy vᵀ)∘mask, and
 * that of the logits is p∘(dp − Σ dp∘p).
 */
export const attention = (
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  { bias, mask }: AttentionOptions = {},
): tf.Tensor4D =>
  withGradient((keep, q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D) => {
    const p = softmax(q, k, bias);
    keep([q, k, v, p]);
    const scale = mask?.scale ?? 1;
    return {
      value: product(mask === undefined ? p : tf.mul<tf.Tensor4D>(p, mask.forward()), v, { scale }),
      gradient: (dy, [q, k, v, p]) => {
        const factors = mask?.backward();
        const dropped = factors === undefined ? p! : tf.mul(p!, factors);
        const dv = product(dropped, dy, { transposeA: true, scale });
        const toKept = product(dy, v!, { transposeB: true, scale });
        const dp = factors === undefined ? toKept : tf.mul(toKept, factors);
        return [...ofLogits(q!, k!, p!, dp), dv];
      },
    };
  })(q, k, v);

const scaleOf = (q: tf.Tensor): number => 1 / Math.sqrt(q.shape.at(-1)!);

function softmax(q: tf.Tensor4D, k: tf.Tensor4D, bias: tf.Tensor | undefined): tf.Tensor4D {
  const logits = product(q, k, { transposeB: true, scale: scaleOf(q) });
  return tf.softmax(bias === undefined ? logits : tf.add<tf.Tensor4D>(logits, bias));
}

/** dq and dk from the gradient of the probabilities. */
function ofLogits(q: tf.Tensor, k: tf.Tensor, p: tf.Tensor, dp: tf.Tensor): [dq: tf.Tensor, dk: tf.Tensor] {
  const dlogits = tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dp, p), -1, true)));
  const scale = scaleOf(q);
  return [product(dlogits, k, { scale }), product(dlogits, q, { transposeA: true, scale })];
}
