import { tf } from "../tf.ts";
import { withGradient } from "./with-gradient.ts";

/**
 * Cross entropy of a softmax, −log p[label], in nats, one loss a row: logits [N, V], labels [N] int32, losses [N]. Labels lie
 * in [0, V): give rows to be ignored label 0 and weight 0. The gradient p − onehot(label) keeps the probabilities alone.
 */
export const softmaxCrossEntropy = (logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D =>
  withGradient((keep, logits: tf.Tensor2D) => {
    const chosen = () => tf.cast(tf.oneHot(labels, logits.shape[1]), "float32"); // (N, V)
    const shifted = tf.sub(logits, tf.max(logits, -1, true));
    const exponentials = tf.exp(shifted);
    const total = tf.sum(exponentials, -1, true); // (N, 1)
    keep([tf.div(exponentials, total)]);
    const atLabel = tf.sum<tf.Tensor1D>(tf.mul(shifted, chosen()), -1);
    return {
      value: tf.sub<tf.Tensor1D>(tf.reshape(tf.log(total), [-1]), atLabel),
      gradient: (dy, [probabilities]) => tf.mul(tf.sub(probabilities!, chosen()), tf.reshape(dy, [-1, 1])),
    };
  })(logits);
