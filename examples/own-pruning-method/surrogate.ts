import { definePruningMethod, type PruningMethod } from "@pruning-bias/pruning";
import { tf, withGradient } from "@pruning-bias/runtime";

/**
 * A pruning method that is not in the library: M = [S > τ], whose gradient fades away from the threshold, as spiking networks
 * are trained (Neftci et al. 2019, 1901.09948): dL/dS = dL/dM·4σ(S − τ)(1 − σ(S − τ)). Blocks that are far below it are left
 * in peace, where straight-through estimators keep pulling at them.
 *
 * A score costs (S + 1)²/8 above −1, so that it comes to rest there (at 0 the slope is that of σ); the threshold rises along a sine.
 */
export const surrogate: PruningMethod = definePruningMethod({
  name: "surrogate",
  mask: (scores, threshold) => hardWithSoftGradient(tf.sub(scores, threshold)),
  cutoff: (_, threshold) => threshold,
  penalty: (scores) => tf.div(tf.square(tf.relu(tf.add(scores, 1))), 8),
  curve: (q) => 1 - Math.sin((Math.PI / 2) * (1 - q)),
});

/** [x > 0], differentiated as if it were 4σ(x): any shape in, float32 of that shape out. */
const hardWithSoftGradient = (x: tf.Tensor): tf.Tensor =>
  withGradient((keep, x: tf.Tensor) => {
    const chance = tf.sigmoid(x);
    keep([chance]);
    return {
      value: tf.cast(tf.greater(x, 0), "float32"),
      gradient: (dy, [p]) => tf.mul(dy, tf.mul(4, tf.mul(p!, tf.sub(1, p!)))),
    };
  })(x);
