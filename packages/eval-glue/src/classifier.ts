import { type BertConfig, labelCount, sequenceLogits } from "@pruning-bias/model";
import {
  encodeMasked,
  type EncodeMaskedOptions,
  type Layout,
  type PruningSettings,
  regulariser,
} from "@pruning-bias/pruning";
import {
  type Axes,
  type Compiled,
  type Jit,
  type Random,
  softmaxCrossEntropy,
  tf,
  valueAndGradients,
} from "@pruning-bias/runtime";

type Tensors = Readonly<Record<string, tf.Tensor>>;

interface Targets {
  readonly labels: tf.Tensor1D;
  readonly rowWeights: tf.Tensor1D;
}

export interface TokenBatch extends Targets {
  readonly inputIds: tf.Tensor2D;
  readonly attentionMask: tf.Tensor2D;
  readonly tokenTypeIds: tf.Tensor2D;
}

interface FeatureBatch extends Targets {
  readonly features: tf.Tensor3D;
}

/** What the classifier computes with; scores are fixed, but for those among the trained arrays, and none where nothing is pruned. */
export interface ClassifierInputs<B = TokenBatch | FeatureBatch> {
  readonly trained: Tensors;
  /** Weights that are not trained. */
  readonly fixed: Tensors;
  readonly scores: Tensors;
  readonly threshold: tf.Scalar;
  readonly batch: B;
}

interface TrainingInputs extends ClassifierInputs {
  /** One over the number of the whole batch's examples, so that pieces add up to its mean. */
  readonly share: tf.Scalar;
  /** Where the scores train: λ, the temperature of 2:4 sparsity, and the piece's share of the batch's examples. */
  readonly pressure?: { readonly lambda: tf.Scalar; readonly temperature: tf.Scalar; readonly part: tf.Scalar };
}

interface Step {
  readonly loss: tf.Scalar;
  /** λ·L_prune, the piece's share of it, where the scores train; its gradients are among the others. */
  readonly penalty?: tf.Scalar;
  /** Of all trained weights but the word embeddings. */
  readonly gradients: Tensors;
  /** Of the word embeddings of each token, [batch·length, E], where they are trained: little beside a whole table of zeros. */
  readonly words?: tf.Tensor;
}

/** The tensor functions of a sequence classifier, each compiled apart. */
export interface Classifier {
  /** With dropout: the losses of a piece, summed and times `share`, and their gradients for the trained weights. */
  readonly gradients: Compiled<TrainingInputs, Step>;
  /** The same, the gradients added to `sum`. */
  readonly moreGradients: Compiled<TrainingInputs & { readonly sum: Tensors }, Step>;
  /** In eval mode: logits [batch, classes]. */
  readonly predict: Compiled<ClassifierInputs, tf.Tensor2D>;
  /** In eval mode: the last hidden state at the first token, [batch, 1, hidden]. */
  readonly features: Compiled<ClassifierInputs<TokenBatch>, tf.Tensor3D>;
  dispose(): Promise<void>;
}

export interface ClassifierOptions {
  readonly config: BertConfig;
  /** Where its scores sit, when the encoder is pruned. */
  readonly layout?: Layout | undefined;
  /** How they train; they are fixed by default. */
  readonly pruning?: PruningSettings;
}

/** A sequence classifier, whose encoder stands under the masks of its scores in every forward. */
export function classifier(jit: Jit, { config, layout, pruning }: ClassifierOptions): Classifier {
  const encoded = (weights: Tensors, inputs: ClassifierInputs<TokenBatch>, options: Options = {}): tf.Tensor3D => {
    const { threshold, batch } = inputs;
    const scores = { ...inputs.scores, ...weights };
    const lastPositions = tf.zeros([batch.inputIds.shape[0], 1], "int32") as tf.Tensor2D; // nothing else is read
    return encodeMasked(config, layout, { weights, scores, threshold }, batch, { ...options, lastPositions }).at(-1)!; // [batch, 1, hidden]
  };
  const logitsOf = (trained: Tensors, inputs: ClassifierInputs, options: Options = {}): tf.Tensor2D => {
    const weights = { ...inputs.fixed, ...trained };
    const first = "features" in inputs.batch ? inputs.batch.features : encoded(weights, withTokens(inputs), options);
    return sequenceLogits(config, weights, first, { random: options.random });
  };
  const lossesOf = labelCount(config) === 1 ? squaredErrors : softmaxCrossEntropy;
  const step = (inputs: TrainingInputs, random: Random): Step => {
    const { labels, rowWeights } = inputs.batch;
    const { [WORDS]: table, ...others } = inputs.trained;
    const rows = table && { [WORDS]: tf.gather(table, tf.reshape(withTokens(inputs).batch.inputIds, [-1])) };
    const { pressure } = inputs;
    const maskTraining = pressure && { noise: random, temperature: pressure.temperature };
    const made: { loss?: tf.Scalar; penalty?: tf.Scalar } = {};
    const { gradients } = valueAndGradients(
      ({ [WORDS]: words, ...trained }: Tensors) => {
        const options = { random, words: words as tf.Tensor2D | undefined, maskTraining };
        const losses = lossesOf(logitsOf(trained, inputs, options), labels);
        made.loss = tf.mul<tf.Scalar>(tf.sum(tf.mul(losses, rowWeights)), inputs.share);
        if (pressure === undefined) return made.loss;
        made.penalty = tf.mul(tf.mul(pressure.lambda, pressure.part), regulariser(layout!, pruning!, trained));
        return tf.add<tf.Scalar>(made.loss, made.penalty);
      },
      { ...others, ...rows },
    );
    const { [WORDS]: words, ...rest } = gradients;
    const { loss, penalty } = made;
    return { loss: loss!, gradients: rest, ...(penalty && { penalty }), ...(words && { words }) };
  };

  const compiled = {
    gradients: jit(step, { axes }),
    moreGradients: jit(
      ({ sum, ...inputs }: TrainingInputs & { readonly sum: Tensors }, random) => {
        const { gradients, ...own } = step(inputs, random);
        const added = Object.entries(gradients).map(([name, more]) => [name, tf.add(sum[name]!, more)] as const);
        return { ...own, gradients: Object.fromEntries(added) };
      },
      { axes },
    ),
    predict: jit((inputs: ClassifierInputs) => logitsOf(inputs.trained, inputs), { axes }),
    features: jit((inputs: ClassifierInputs<TokenBatch>) => encoded({ ...inputs.fixed, ...inputs.trained }, inputs), {
      axes,
    }),
  };
  return {
    ...compiled,
    dispose: async () => void (await Promise.all(Object.values(compiled).map((program) => program.dispose()))),
  };
}

/** Pieces have any number of examples, and of tokens each. */
const axes: Axes = {
  ...Object.fromEntries(
    ["inputIds", "attentionMask", "tokenTypeIds"].map((name) => [`batch.${name}`, ["examples", "tokens"]]),
  ),
  "batch.labels": ["examples"],
  "batch.rowWeights": ["examples"],
  "batch.features": ["examples", null, null],
};

/** The table of word embeddings. */
export const WORDS = "embeddings.word_embeddings.weight";

type Options = Pick<EncodeMaskedOptions, "random" | "words" | "maskTraining">;

const withTokens = (inputs: ClassifierInputs) => inputs as ClassifierInputs<TokenBatch>;

/** (logits − labels)², [batch, 1] and [batch] → [batch]: the regression of STS-B. */
const squaredErrors = (logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D =>
  tf.square(tf.sub(tf.reshape(logits, [-1]), labels));
