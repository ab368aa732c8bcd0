import { tf } from "@pruning-bias/runtime";
import { gateBiasOfEach, gateEach, type OwnGates } from "./own-gates.ts";

/**
 * Gates on the activations of a linear layer, as Hugging Face's `head_mask`. A gate has g entries, each of which covers
 * a run of consecutive features: size/g of them.
 */
export interface Gate {
  /** [g]: gates rows of the weight, that is outputs. */
  rows?: tf.Tensor1D | undefined;
  /** [g]: gates columns of the weight, that is inputs. [V, g]: V gates at once, with one result after another. */
  columns?: tf.Tensor1D | tf.Tensor2D | undefined;
  /** Gates that differ between the examples of a batch. */
  own?: OwnGates | undefined;
}

/**
 * y = rows∘((columns∘x) Wᵀ) + b: x [N, in], weight [out, in], bias [out], y [N, out]. The same function and gradients as
 * with the rows and columns of W masked, but without a masked copy of W, and without the product dyᵀx when W is
 * frozen. The bias is used as given. Under V gates of columns y is [V·N, out].
 *
 * @throws RangeError for a gate whose entries do not divide what it gates
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor, gate: Gate = {}): tf.Tensor2D {
  const { own = {} } = gate;
  const inputs = gateEach(gated("columns", x, gate.columns), own.columns);
  const y = tf.matMul(inputs, weight, false, true) as tf.Tensor2D;
  return tf.add(gateEach(gated("rows", y, gate.rows), own.rows), gateBiasOfEach(bias, own.bias, y.shape[0]));
}

function gated(side: string, x: tf.Tensor2D, gate: tf.Tensor1D | tf.Tensor2D | undefined): tf.Tensor2D {
  if (gate === undefined) return x;
  const [count, features] = x.shape;
  const entries = gate.shape.at(-1)!;
  if (features % entries !== 0) {
    throw new RangeError(`linear: ${side} of a gate: expected a divisor of ${features}, got ${entries} entries`);
  }
  if (gate.rank === 2) {
    const [gates] = gate.shape;
    const runs = tf.reshape(x, [1, count, entries, features / entries]); // (1, N, g, features/g)
    return tf.reshape(tf.mul(runs, tf.reshape(gate, [gates, 1, entries, 1])), [gates * count, features]);
  }
  if (entries === features) return tf.mul(x, gate);
  const runs = tf.reshape(x, [count, entries, features / entries]); // (N, g, features/g)
  return tf.reshape(tf.mul(runs, tf.reshape(gate, [1, entries, 1])), [count, features]);
}
