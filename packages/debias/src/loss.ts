import { tf } from "@pruning-bias/runtime";

/** How the debiasing loss joins the two attributes; see `debiasLoss`. */
export const lossForms = ["sum_of_squares", "squared_sum", "direction"] as const;
/** A name of `lossForms`. */
export type LossForm = (typeof lossForms)[number];

/**
 * Weighted sum over target rows t of how far t leans on the static attributes v_m, v_f (Kaneko and Bollegala 2021, Eq. 1).
 *
 * - `sum_of_squares`: (t·v_m)² + (t·v_f)², the paper's.
 * - `squared_sum`: (t·v_m + t·v_f)², the reference's code: sees only what male and female have in common.
 * - `direction`: (t·g)², g = (v_m − v_f)/‖v_m − v_f‖: only what tells them apart; NaN where nothing does.
 *
 * @param attributes [2, hidden]: male, female
 * @param rows [N, hidden]
 * @param weights [N]: 1/N for a mean, 0 for a row that does not count
 * @throws RangeError for other shapes
 */
export function debiasLoss(
  form: LossForm,
  attributes: tf.Tensor2D,
  rows: tf.Tensor2D,
  weights: tf.Tensor1D,
): tf.Scalar {
  const [N, D] = rows.shape;
  expectShape("debiasLoss: attributes", attributes, [2, D]);
  expectShape("debiasLoss: weights", weights, [N]);
  return tf.sum(tf.mul(lean(form, attributes, rows), weights));
}

/**
 * Weighted sum over rows of ‖a − a°‖²: keeps the attributes' embeddings where the original model has them (Kaneko and
 * Bollegala 2021, Eq. 3).
 *
 * @param rows a, [N, hidden]
 * @param original a°, [N, hidden]
 * @param weights [N]: 1/N for a mean, 0 for a row that does not count
 * @throws RangeError for other shapes
 */
export function keepLoss(rows: tf.Tensor2D, original: tf.Tensor2D, weights: tf.Tensor1D): tf.Scalar {
  expectShape("keepLoss: original", original, rows.shape);
  expectShape("keepLoss: weights", weights, [rows.shape[0]]);
  return tf.sum(tf.mul(tf.sum(tf.square(tf.sub(rows, original)), 1), weights));
}

/** Operators would spread a smaller one over the rows, and say nothing. */
function expectShape(what: string, { shape }: tf.Tensor, expected: readonly number[]): void {
  if (shape.join() !== expected.join()) {
    throw new RangeError(`${what}: expected shape [${expected.join(", ")}], got [${shape.join(", ")}]`);
  }
}

function lean(form: LossForm, attributes: tf.Tensor2D, rows: tf.Tensor2D): tf.Tensor {
  if (form === "sum_of_squares") return tf.sum(tf.square(tf.matMul(rows, attributes, false, true)), 1);
  const [male, female] = tf.split(attributes, 2, 0) as [tf.Tensor2D, tf.Tensor2D];
  const direction = form === "squared_sum" ? tf.add(male, female) : unit(tf.sub(male, female));
  return tf.squeeze(tf.square(tf.matMul(rows, direction as tf.Tensor2D, false, true)), [1]);
}

const unit = (x: tf.Tensor): tf.Tensor => tf.div(x, tf.sqrt(tf.sum(tf.square(x))));
