import { tf } from "@pruning-bias/runtime";
import { gateBiasOfEach, gateEach, type OwnGates } from "./own-gates.ts";

/**
 * Gates on the activations of a linear layer, as Hugging Face's `head_mask`. A gate has g entries, each of which covers
 * a run of consecutive features: size/g of them.
 */
export interface Gate {
  /** Gates rows of the weight, that is outputs. */
  rows?: tf.Tensor1D | undefined;
  /** Gates columns of the weight, that is inputs. */
  columns?: tf.Tensor1D | undefined;
  /** Gates that differ between the examples of a batch. */
  own?: OwnGates | undefined;
}

/**
 * y = rows∘((columns∘x) Wᵀ) + b: x (N, in), weight (out, in), bias (out), y (N, out). The same function and gradients as
 * with the rows and columns of W masked, but without a masked copy of W, and without the product dyᵀx when W is
 * frozen. The bias is used as given.
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor, gate: Gate = {}): tf.Tensor2D {
  const { own = {} } = gate;
  const inputs = gateEach(gated("columns", x, gate.columns), own.columns);
  const y = tf.matMul(inputs, weight, false, true) as tf.Tensor2D;
  return tf.add(gateEach(gated("rows", y, gate.rows), own.rows), gateBiasOfEach(bias, own.bias, y.shape[0]));
}

function gated(side: string, x: tf.Tensor2D, gate: tf.Tensor1D | undefined): tf.Tensor2D {
  if (gate === undefined) return x;
  const [count, features] = x.shape;
  if (features % gate.size !== 0) {
    throw new RangeError(`linear: ${side} of a gate: expected a divisor of ${features}, got ${gate.size} entries`);
  }
  if (gate.size === features) return tf.mul(x, gate);
  const runs = tf.reshape(x, [count, gate.size, features / gate.size]); // (N, g, features/g)
  return tf.reshape(tf.mul(runs, tf.reshape(gate, [1, gate.size, 1])), [count, features]);
}
