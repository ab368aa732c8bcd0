import { tf } from "@pruning-bias/runtime";

/**
 * Gates on the activations of a linear layer, as Hugging Face's `head_mask`. A gate has g entries, each of which covers
 * a run of consecutive features: size/g of them. It is (g), or (E, g) where the N rows of x are E examples of N/E rows, each
 * of which has a gate of its own.
 */
export interface Gate {
  /** Gates rows of the weight, that is outputs. */
  rows?: tf.Tensor1D | tf.Tensor2D | undefined;
  /** Gates columns of the weight, that is inputs. */
  columns?: tf.Tensor1D | tf.Tensor2D | undefined;
  /** Gates the bias, which is used as given without it. */
  bias?: tf.Tensor1D | tf.Tensor2D | undefined;
}

/**
 * y = rows∘((columns∘x) Wᵀ) + bias∘b: x (N, in), weight (out, in), bias (out), y (N, out). The same function and gradients as
 * with the rows and columns of W masked, but without a masked copy of W, and without the product dyᵀx when W is
 * frozen.
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor, gate: Gate = {}): tf.Tensor2D {
  const y = tf.matMul(gated("columns", x, gate.columns), weight, false, true) as tf.Tensor2D;
  const outputs = gated("rows", y, gate.rows);
  if (gate.bias === undefined) return tf.add(outputs, bias);
  const examples = gate.bias.rank === 1 ? 1 : gate.bias.shape[0]!;
  const own = tf.broadcastTo(tf.reshape(bias, [1, bias.size]), [examples, bias.size]) as tf.Tensor2D;
  const biases = tf.reshape(gated("bias", own, gate.bias), [examples, 1, bias.size]); // (E, 1, out)
  return tf.reshape(tf.add(tf.reshape(outputs, [examples, y.shape[0] / examples, y.shape[1]]), biases), y.shape);
}

function gated(side: string, x: tf.Tensor2D, gate: tf.Tensor1D | tf.Tensor2D | undefined): tf.Tensor2D {
  if (gate === undefined) return x;
  const [count, features] = x.shape;
  const entries = gate.shape.at(-1)!;
  const examples = gate.size / entries;
  if (features % entries !== 0) {
    throw new RangeError(`linear: ${side} of a gate: expected a divisor of ${features}, got ${entries} entries`);
  }
  if (count % examples !== 0) {
    throw new RangeError(`linear: ${side} of a gate: expected a divisor of ${count} rows, got ${examples} examples`);
  }
  if (gate.size === features) return tf.mul(x, gate);
  const runs = tf.reshape(x, [examples, count / examples, entries, features / entries]); // (E, N/E, g, features/g)
  return tf.reshape(tf.mul(runs, tf.reshape(gate, [examples, 1, entries, 1])), [count, features]);
}
