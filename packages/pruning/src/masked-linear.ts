import type { Gate } from "@pruning-bias/model";
import { tf, withGradient } from "@pruning-bias/runtime";

/** A linear layer, y = xWᵀ + b. */
export interface Linear {
  /** [out, in] */
  readonly weight: tf.Tensor;
  /** [out]; none where absent. */
  readonly bias?: tf.Tensor | undefined;
}

/**
 * A linear layer under a mask M [r, c] over its weight [out, in], each entry a block of out/r × in/c weights:
 * Ŵ = W∘expand(M), b̂_i = b_i·[row i of expand(M) has a non-zero] (Lagunas et al. 2021).
 *
 * Blocks as wide as the weight (c = 1) or as tall (r = 1) become a gate on outputs or inputs instead: the same function
 * and gradients without a masked copy of W, and with W frozen without the product dyᵀx. No gradient passes through the
 * bias's gate. Without `biasMask` the bias stays.
 *
 * @throws RangeError where r does not divide out, or c in
 */
export function maskLinear(
  { weight, bias }: Linear,
  mask: tf.Tensor,
  { biasMask }: { readonly biasMask: boolean },
): Linear & { readonly gate?: Gate } {
  const [rows, columns] = mask.shape as [number, number];
  const [outputs, inputs] = weight.shape as [number, number];
  if (mask.shape.length !== 2 || weight.shape.length !== 2 || outputs % rows !== 0 || inputs % columns !== 0) {
    throw new RangeError(
      `maskLinear: expected a mask of equal blocks over a weight [${weight.shape.join(", ")}], got [${mask.shape.join(", ")}]`,
    );
  }
  const masked = { bias: bias && biasMask ? gateBias(bias, mask) : bias };
  if (columns === 1) return { weight, ...masked, gate: { rows: tf.reshape(mask, [rows]) } };
  if (rows === 1) return { weight, ...masked, gate: { columns: tf.reshape<tf.Rank.R1>(mask, [columns]) } };
  return { weight: maskWeight(weight, mask, rows, columns), ...masked };
}

function maskWeight(weight: tf.Tensor, mask: tf.Tensor, rows: number, columns: number): tf.Tensor {
  const [outputs, inputs] = weight.shape as [number, number];
  if (rows === outputs && columns === inputs) return tf.mul(weight, mask);
  const blocks = tf.reshape(weight, [rows, outputs / rows, inputs]);
  const wide = tf.reshape(widened(mask, inputs), [rows, 1, inputs]);
  return tf.reshape(tf.mul(blocks, wide), [outputs, inputs]);
}

/** A mask [r, c] over blocks as a mask over weights [out, in]. */
export function expandMask(mask: tf.Tensor, [outputs, inputs]: readonly [number, number]): tf.Tensor {
  const [rows] = mask.shape as [number, number];
  const tall = tf.broadcastTo(tf.reshape(widened(mask, inputs), [rows, 1, inputs]), [rows, outputs / rows, inputs]);
  return tf.reshape(tall, [outputs, inputs]);
}

/**
 * [r, c] → [r, in]. One axis at a time, so that the gradient sums one axis at a time: a third faster in onnxruntime than
 * both at once.
 */
function widened(mask: tf.Tensor, inputs: number): tf.Tensor {
  const [rows, columns] = mask.shape as [number, number];
  const wide = tf.broadcastTo(tf.reshape(mask, [rows, columns, 1]), [rows, columns, inputs / columns]);
  return tf.reshape(wide, [rows, inputs]);
}

/**
 * Blocks of one row of M share their rows of W, so r entries cover the bias. A function of the bias alone: the mask is
 * no input of it, so no gradient reaches the scores.
 */
function gateBias(bias: tf.Tensor, mask: tf.Tensor): tf.Tensor {
  const rowOpen = tf.cast(tf.greater(tf.max(mask, 1, true), 0), "float32"); // [r, 1]
  const gate = (b: tf.Tensor, open: tf.Tensor) =>
    tf.reshape(tf.mul(tf.reshape(b, [open.size, b.size / open.size]), open), b.shape);
  return withGradient((keep, b: tf.Tensor) => {
    keep([rowOpen]);
    return { value: gate(b, rowOpen), gradient: (db, [open]) => gate(db, open!) };
  })(bias);
}
