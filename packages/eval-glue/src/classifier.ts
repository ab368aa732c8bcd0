import { type Batch, type BertConfig, encodeEach, labelCount, sequenceLogits } from "@pruning-bias/model";
import { applyMasks, type Layout, type MaskTraining, type PruningSettings, regulariser } from "@pruning-bias/pruning";
import {
  type Compiled,
  type Jit,
  type JitOptions,
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
  /** Examples of like length each, one after the other. */
  readonly parts: readonly Batch[];
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
  /** One over the number of the whole batch's examples, so that packs add up to its mean. */
  readonly share: tf.Scalar;
  /** Where the scores train: λ, the temperature of 2:4 sparsity, and the pack's share of the batch's examples. */
  readonly pressure?: { readonly lambda: tf.Scalar; readonly temperature: tf.Scalar; readonly part: tf.Scalar };
}

interface Step {
  readonly loss: tf.Scalar;
  /** λ·L_prune, the pack's share of it, where the scores train; its gradients are among the others. */
  readonly penalty?: tf.Scalar;
  /** Of all trained weights but the word embeddings. */
  readonly gradients: Tensors;
  /** Of the word embeddings of each token, [tokens, E], where they are trained: little beside a whole table of zeros. */
  readonly words?: tf.Tensor;
}

/** The tensor functions of a sequence classifier, each compiled apart. */
export interface Classifier {
  /** With dropout: the losses of a pack of `PARTS` pieces, summed and times `share`, and their gradients for the trained weights. */
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
  const encoded = (own: Tensors, inputs: ClassifierInputs<TokenBatch>, options: Options = {}): tf.Tensor3D => {
    const { maskTraining, ...others } = options;
    const { parts } = inputs.batch;
    const scores = { ...inputs.scores, ...own };
    const { weights, gates } =
      layout === undefined
        ? { weights: own, gates: {} }
        : applyMasks(layout, own, scores, inputs.threshold, maskTraining);
    const lastPositions = parts.map(({ inputIds }) => tf.zeros([inputIds.shape[0], 1], "int32") as tf.Tensor2D); // nothing else is read
    const states = encodeEach(config, weights, parts, { ...others, gates, lastPositions });
    return tf.concat(
      states.map((layers) => layers.at(-1)!),
      0,
    ); // [examples, 1, hidden]
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
    const rows = table && { [WORDS]: tf.gather(table, tokensOf(withTokens(inputs).batch)) };
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
    gradients: jit(step, open),
    moreGradients: jit(({ sum, ...inputs }: TrainingInputs & { readonly sum: Tensors }, random) => {
      const { gradients, ...own } = step(inputs, random);
      const added = Object.entries(gradients).map(([name, more]) => [name, tf.add(sum[name]!, more)] as const);
      return { ...own, gradients: Object.fromEntries(added) };
    }, open),
    predict: jit((inputs: ClassifierInputs) => logitsOf(inputs.trained, inputs), open),
    features: jit(
      (inputs: ClassifierInputs<TokenBatch>) => encoded({ ...inputs.fixed, ...inputs.trained }, inputs),
      open,
    ),
  };
  return {
    ...compiled,
    dispose: async () => void (await Promise.all(Object.values(compiled).map((program) => program.dispose()))),
  };
}

/** Most pieces of a pack: few are padded little, and each more makes attention a graph's larger part. */
export const PARTS = 3;

/** Pieces have any number of examples, and of tokens each. */
const open: Required<Pick<JitOptions, "axes" | "sums">> = {
  axes: {
    ...Object.fromEntries(
      Array.from({ length: PARTS }, (_, n) =>
        ["inputIds", "attentionMask", "tokenTypeIds"].map((name) => [
          `batch.parts.${n}.${name}`,
          [`examples.${n}`, `tokens.${n}`],
        ]),
      ).flat(),
    ),
    "batch.labels": ["examples"],
    "batch.rowWeights": ["examples"],
    "batch.features": ["examples", null, null],
  },
  sums: {
    examples: Array.from({ length: PARTS }, (_, n) => [`examples.${n}`]),
    tokens: Array.from({ length: PARTS }, (_, n) => [`examples.${n}`, `tokens.${n}`]),
  },
};

/** The table of word embeddings. */
export const WORDS = "embeddings.word_embeddings.weight";

interface Options {
  /** Dropout. */
  readonly random?: Random;
  /** The word embeddings of all tokens, [tokens, E]; looked up by default. */
  readonly words?: tf.Tensor2D | undefined;
  readonly maskTraining?: MaskTraining | undefined;
}

/** [tokens]: ids of all pieces, one after the other. */
const tokensOf = ({ parts }: TokenBatch): tf.Tensor1D =>
  tf.concat(
    parts.map(({ inputIds }) => tf.reshape(inputIds, [-1])),
    0,
  );

const withTokens = (inputs: ClassifierInputs) => inputs as ClassifierInputs<TokenBatch>;

/** (logits − labels)², [batch, 1] and [batch] → [batch]: the regression of STS-B. */
const squaredErrors = (logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D =>
  tf.square(tf.sub(tf.reshape(logits, [-1]), labels));
