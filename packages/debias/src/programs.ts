import { regulariser, type PruningSettings } from "@pruning-bias/pruning";
import { type Jit, type Random, tf, valueAndGradients } from "@pruning-bias/runtime";
import type { Tensors } from "@pruning-bias/training";
import { type EmbeddingLayer, hiddenStateIndices } from "./embeddings.ts";
import { type BatchTensors, hiddenStates, type HiddenStatesOptions, type Subject } from "./encoder.ts";
import { type DebiasTerm, debiasTerm, keepTerm, tokenEmbeddings } from "./terms.ts";

/** What the tensor functions of fine-pruning are made from. */
export interface ProgramSettings extends DebiasTerm {
  readonly subject: Subject;
  readonly pruning?: PruningSettings;
  readonly embeddingLayer: EmbeddingLayer;
  readonly alpha: number;
  readonly beta: number;
  /** Dropout while training, with the probabilities of the model's config. */
  readonly dropout: boolean;
}

interface Model {
  /** Weights and scores that get gradients. */
  readonly trained: Tensors;
  /** All others. */
  readonly fixed: Tensors;
  readonly threshold: tf.Scalar;
}

interface TargetInputs {
  readonly model: Model;
  readonly batch: BatchTensors;
  /** (2, D): static attributes, male and female. */
  readonly attributes: tf.Tensor2D;
  readonly share: tf.Scalar;
}

/** Gradients so far by the trained names, to which a program adds its own. */
interface Summed {
  readonly sum: Tensors;
}

interface AttributeInputs {
  readonly model: Model;
  readonly batch: BatchTensors;
  /** (layers + 1, B, D): the original model's token-mode embeddings. */
  readonly original: tf.Tensor3D;
  readonly share: tf.Scalar;
}

/** The tensor functions that fine-pruning runs, each compiled apart, so that micro-batches of any number add up. */
export type Programs = ReturnType<typeof programs>;

export function programs(jit: Jit, settings: ProgramSettings) {
  const { subject, embeddingLayer, alpha, beta, dropout } = settings;
  const depth = subject.config.num_hidden_layers;
  const indices = hiddenStateIndices(embeddingLayer, depth);
  const layers = Math.max(...indices);

  const encoded = (
    { fixed, threshold }: Model,
    trained: Tensors,
    batch: BatchTensors,
    options: Omit<HiddenStatesOptions, "threshold">,
  ) => hiddenStates(subject, { ...fixed, ...trained }, batch, { threshold, ...options });
  const keywordsOnly = true;

  const targets = (trained: Tensors, { model, batch, attributes, share }: TargetInputs, random?: Random): tf.Scalar => {
    const hidden = encoded(model, trained, batch, { layers, random, keywordsOnly: settings.mode === "token" });
    return debiasTerm(
      settings,
      indices.map((index) => hidden[index]!),
      batch,
      attributes,
      share,
    );
  };
  const attributes = (
    trained: Tensors,
    { model, batch, original, share }: AttributeInputs,
    random?: Random,
  ): tf.Scalar =>
    keepTerm(encoded(model, trained, batch, { layers: depth, random, keywordsOnly }), batch, original, share);

  const compiled = {
    /** α·L_debias: the loss before α, and its gradients after, added to `sum`. */
    targetGradients: jit((inputs: TargetInputs & Summed, random) =>
      added(
        inputs.sum,
        weighted(alpha, inputs.model.trained, (trained) => targets(trained, inputs, dropout ? random : undefined)),
      ),
    ),
    /** β·L_keep, likewise. */
    attributeGradients: jit((inputs: AttributeInputs & Summed, random) =>
      added(
        inputs.sum,
        weighted(beta, inputs.model.trained, (trained) => attributes(trained, inputs, dropout ? random : undefined)),
      ),
    ),
    /** weight·L_prune: the loss before the weight, and its gradients after. */
    pruneGradients: jit(({ trained, fixed, weight }: { trained: Tensors; fixed: Tensors; weight: tf.Scalar }) =>
      weighted(weight, trained, (scores) => regulariser(subject.layout!, settings.pruning!, { ...fixed, ...scores })),
    ),
    /** L_debias of a batch in evaluation mode. */
    targetLoss: jit((inputs: TargetInputs) => targets(inputs.model.trained, inputs)),
    /** L_keep of a batch in evaluation mode. */
    attributeLoss: jit((inputs: AttributeInputs) => attributes(inputs.model.trained, inputs)),
    /** (D): token-mode embeddings at the configured layers in evaluation mode, summed over rows and layers. */
    attributeSum: jit(({ model, batch }: { model: Model; batch: BatchTensors }) => {
      const hidden = encoded(model, model.trained, batch, { layers, keywordsOnly });
      const rows = tokenEmbeddings(
        indices.map((index) => hidden[index]!),
        batch,
      );
      return tf.sum(tf.mul(rows, tf.reshape(batch.rowWeights, [1, -1, 1])), [0, 1]);
    }),
    /** (layers + 1, B, D): token-mode embeddings of a model without masks at every hidden state. */
    originalEmbeddings: jit(({ weights, batch }: { weights: Tensors; batch: BatchTensors }) => {
      const options = { threshold: tf.scalar(0), layers: depth, keywordsOnly };
      return tokenEmbeddings(hiddenStates({ config: subject.config }, weights, batch, options), batch);
    }),
  };
  return {
    ...compiled,
    /** Embeddings summed by `attributeSum` for one sentence. */
    rowsPerSentence: indices.length,
    depth,
    hiddenSize: subject.config.hidden_size,
    dispose: async () => void (await Promise.all(Object.values(compiled).map((program) => program.dispose()))),
  };
}

/** A loss as it is, and the gradients of `weight` times it. */
function weighted(weight: number | tf.Scalar, trained: Tensors, loss: (trained: Tensors) => tf.Scalar) {
  let value: tf.Scalar | undefined;
  const { gradients } = valueAndGradients((parameters) => {
    value = loss(parameters);
    return tf.mul(value, weight);
  }, trained);
  return { loss: value!, gradients };
}

const added = (sum: Tensors, { loss, gradients }: ReturnType<typeof weighted>) => ({
  loss,
  gradients: Object.fromEntries(
    Object.entries(gradients).map(([name, own]) => [name, tf.add<tf.Tensor>(sum[name]!, own)]),
  ),
});
