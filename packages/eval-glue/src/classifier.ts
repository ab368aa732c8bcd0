import { type BertConfig, labelCount, sequenceLogits } from "@pruning-bias/model";
import { encodeMasked, type Layout, type MaskedWeights } from "@pruning-bias/pruning";
import {
  type Compiled,
  type Jit,
  type Random,
  softmaxCrossEntropy,
  tf,
  valueAndGradients,
} from "@pruning-bias/runtime";

type Tensors = Readonly<Record<string, tf.Tensor>>;

/** The weights train; the scores are fixed, and none where nothing is pruned. */
export interface ClassifierInputs extends MaskedWeights {
  readonly batch: {
    readonly inputIds: tf.Tensor2D;
    readonly attentionMask: tf.Tensor2D;
    readonly tokenTypeIds: tf.Tensor2D;
    readonly labels: tf.Tensor1D;
    readonly rowWeights: tf.Tensor1D;
  };
}

export interface Classifier {
  /** Mean loss of a batch with dropout, its gradients for all weights, and their norm before it was clipped. */
  readonly gradients: Compiled<ClassifierInputs, { loss: tf.Scalar; gradients: Tensors; norm: tf.Scalar }>;
  /** In eval mode: logits (B, classes) and losses (B), 0 for fillers. */
  readonly predict: Compiled<ClassifierInputs, { logits: tf.Tensor2D; losses: tf.Tensor1D }>;
  dispose(): Promise<void>;
}

export interface ClassifierOptions {
  readonly config: BertConfig;
  /** Where its scores sit, when the encoder is pruned. */
  readonly layout?: Layout | undefined;
  /** Longest that the gradients of all weights together may be. */
  readonly maxGradientNorm: number;
}

/** The tensor functions of a sequence classifier, whose encoder stands under the masks of its scores in every forward. */
export function classifier(jit: Jit, { config, layout, maxGradientNorm }: ClassifierOptions): Classifier {
  const logitsOf = (weights: Tensors, { scores, threshold, batch }: ClassifierInputs, random?: Random): tf.Tensor2D => {
    const first = tf.zeros([batch.inputIds.shape[0], 1], "int32") as tf.Tensor2D; // nothing else of the last layer is read
    const options = { random, lastPositions: first };
    const last = encodeMasked(config, layout, { weights, scores, threshold }, batch, options).at(-1)!; // (B, 1, D)
    return sequenceLogits(config, weights, last, { random });
  };
  const lossesOf = labelCount(config) === 1 ? squaredErrors : softmaxCrossEntropy;

  const gradients = jit((inputs: ClassifierInputs, random) => {
    const { labels, rowWeights } = inputs.batch;
    const { value: loss, gradients } = valueAndGradients((weights: Tensors) => {
      const losses = lossesOf(logitsOf(weights, inputs, random), labels);
      return tf.div<tf.Scalar>(tf.sum(tf.mul(losses, rowWeights)), tf.sum(rowWeights));
    }, inputs.weights);
    return { loss, ...clipByGlobalNorm(gradients, maxGradientNorm) };
  });
  const predict = jit((inputs: ClassifierInputs) => {
    const logits = logitsOf(inputs.weights, inputs);
    return { logits, losses: tf.mul<tf.Tensor1D>(lossesOf(logits, inputs.batch.labels), inputs.batch.rowWeights) };
  });
  return {
    gradients,
    predict,
    dispose: async () => void (await Promise.all([gradients.dispose(), predict.dispose()])),
  };
}

/** (logits − labels)², (B, 1) and (B) → (B): the regression of STS-B. */
const squaredErrors = (logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D =>
  tf.square(tf.sub(tf.reshape(logits, [-1]), labels));

/** Scales gradients so that their common norm is at most `most` (`clip_grad_norm_` of PyTorch). */
function clipByGlobalNorm(gradients: Tensors, most: number): { gradients: Tensors; norm: tf.Scalar } {
  const squares = Object.values(gradients).map((gradient) => tf.sum<tf.Scalar>(tf.square(gradient)));
  const norm = tf.sqrt<tf.Scalar>(tf.addN(squares));
  if (most === Infinity) return { gradients, norm };
  const scale = tf.minimum(1, tf.div(most, tf.add(norm, 1e-6)));
  const clipped = Object.entries(gradients).map(([name, gradient]) => [name, tf.mul(gradient, scale)] as const);
  return { gradients: Object.fromEntries(clipped), norm };
}
