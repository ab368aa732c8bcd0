import { type GateSets, regulariser, type PruningSettings } from "@pruning-bias/pruning";
import { type Axes, type Jit, type Random, tf, valueAndGradients } from "@pruning-bias/runtime";
import type { Tensors } from "@pruning-bias/training";
import { type EmbeddingLayer, hiddenStateIndices } from "./embeddings.ts";
import {
  type BatchTensors,
  type HiddenState,
  hiddenStates,
  type HiddenStatesOptions,
  type Places,
  type Subject,
} from "./encoder.ts";
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
  /** Whether steps are in training mode: dropout, and the noise of masks that have one. */
  readonly trainMode: boolean;
  /** Whether the original model's dropout is on while training. */
  readonly originalDropout: boolean;
}

interface Model {
  /** Weights and scores that get gradients. */
  readonly trained: Tensors;
  /** All others. */
  readonly fixed: Tensors;
  readonly threshold: tf.Scalar;
  /** Of 2:4 sparsity. */
  readonly temperature: tf.Scalar;
}

interface TargetInputs {
  readonly model: Model;
  readonly batch: BatchTensors;
  /** [2, hidden]: static attributes, male and female. */
  readonly attributes: tf.Tensor2D;
  readonly share: tf.Scalar;
}

/** Gradients so far by the trained names, to which a program adds its own. */
interface Summed {
  readonly sum: Tensors;
}

/** Masks of C candidates, [C, g] by module. */
interface Candidates {
  readonly sets: GateSets<tf.Tensor2D>;
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
  const { subject, embeddingLayer, alpha, beta, dropout, trainMode } = settings;
  const depth = subject.config.num_hidden_layers;
  const indices = hiddenStateIndices(embeddingLayer, depth);
  const layers = Math.max(...indices);

  const encoded = (
    { fixed, threshold }: Model,
    trained: Tensors,
    batch: BatchTensors,
    options: Omit<HiddenStatesOptions, "threshold">,
  ) => hiddenStates(subject, { ...fixed, ...trained }, batch, { threshold, ...options });
  // A row of a sentence is the mean over its keywords, or [CLS]; L_keep is over keywords alone.
  const one: Places = embeddingLayer === "CLS" ? "first" : "keywords";
  const ofTargets = { layers, lastAt: settings.mode === "token" ? one : "all" } as const;
  const ofAttributes = { layers: depth, lastAt: "keywords" } as const;
  // What training adds to a forward pass.
  const noisy = ({ temperature }: Model, random: Random | undefined) =>
    random && trainMode ? { random: dropout ? random : undefined, maskTraining: { noise: random, temperature } } : {};

  const targets = (trained: Tensors, { model, batch, attributes, share }: TargetInputs, random?: Random): tf.Scalar => {
    const hidden = encoded(model, trained, batch, { ...ofTargets, ...noisy(model, random) });
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
    keepTerm(encoded(model, trained, batch, { ...ofAttributes, ...noisy(model, random) }), batch, original, share);

  /** Encodes the batch once under each candidate's masks, and makes a loss of each one's hidden states. */
  const eachCandidate = (
    { model, batch }: Pick<TargetInputs, "model" | "batch">,
    sets: GateSets<tf.Tensor2D>,
    options: Pick<HiddenStatesOptions, "layers" | "lastAt">,
    loss: (hidden: HiddenState[]) => tf.Scalar,
  ): tf.Tensor1D => {
    const [count] = Object.values(sets)[0]!.shape;
    const hidden = encoded(model, model.trained, repeated(batch, count), { ...options, gateSets: sets });
    // By layer, then by candidate.
    const own = hidden.map(({ state, counts }) => {
      const each = tf.split<tf.Tensor2D>(counts, count);
      return tf.split<tf.Tensor3D>(state, count).map((state, c) => ({ state, counts: each[c]! }));
    });
    return tf.stack(Array.from({ length: count }, (_, c) => loss(own.map((states) => states[c]!)))) as tf.Tensor1D;
  };

  /** Compiled once for all micro-batches. */
  const open: Jit = (fn) => jit(fn, { axes });
  const compiled = {
    /** α·L_debias: the loss before α, and its gradients after, added to `sum`. */
    targetGradients: open((inputs: TargetInputs & Summed, random) =>
      added(
        inputs.sum,
        weighted(alpha, inputs.model.trained, (trained) => targets(trained, inputs, random)),
      ),
    ),
    /** β·L_keep, likewise. */
    attributeGradients: open((inputs: AttributeInputs & Summed, random) =>
      added(
        inputs.sum,
        weighted(beta, inputs.model.trained, (trained) => attributes(trained, inputs, random)),
      ),
    ),
    /** weight·L_prune: the loss before the weight, and its gradients after. */
    pruneGradients: jit(({ trained, fixed, weight }: { trained: Tensors; fixed: Tensors; weight: tf.Scalar }) =>
      weighted(weight, trained, (scores) => regulariser(subject.layout!, settings.pruning!, { ...fixed, ...scores })),
    ),
    /** L_debias of a batch in evaluation mode. */
    targetLoss: open((inputs: TargetInputs) => targets(inputs.model.trained, inputs)),
    /** L_keep of a batch in evaluation mode. */
    attributeLoss: open((inputs: AttributeInputs) => attributes(inputs.model.trained, inputs)),
    /** [C]: L_debias of a batch in evaluation mode under each candidate's masks, all of them in one batch. */
    targetLosses: open(({ sets, ...inputs }: TargetInputs & Candidates) =>
      eachCandidate(inputs, sets, ofTargets, (hidden) =>
        debiasTerm(
          settings,
          indices.map((index) => hidden[index]!),
          inputs.batch,
          inputs.attributes,
          inputs.share,
        ),
      ),
    ),
    /** [C]: L_keep, likewise. */
    attributeLosses: open(({ sets, ...inputs }: AttributeInputs & Candidates) =>
      eachCandidate(inputs, sets, ofAttributes, (hidden) =>
        keepTerm(hidden, inputs.batch, inputs.original, inputs.share),
      ),
    ),
    /** [hidden]: token-mode embeddings at the configured layers, or [CLS], in evaluation mode, summed over rows and layers. */
    attributeSum: open(({ model, batch }: { model: Model; batch: BatchTensors }) => {
      const hidden = encoded(model, model.trained, batch, { layers, lastAt: one });
      const rows = tokenEmbeddings(indices.map((index) => hidden[index]!));
      return tf.sum(tf.mul(rows, tf.reshape(batch.rowWeights, [1, -1, 1])), [0, 1]);
    }),
    /** (layers + 1, B, D): token-mode embeddings of a model without masks at every hidden state. */
    originalEmbeddings: open(({ weights, batch }: { weights: Tensors; batch: BatchTensors }) => {
      const options = { threshold: tf.scalar(0), ...ofAttributes };
      return tokenEmbeddings(hiddenStates({ config: subject.config }, weights, batch, options));
    }),
    /** The same with dropout, as the original's code leaves it on. */
    noisyOriginalEmbeddings: open(({ weights, batch }: { weights: Tensors; batch: BatchTensors }, random) => {
      const options = { threshold: tf.scalar(0), ...ofAttributes, random };
      return tokenEmbeddings(hiddenStates({ config: subject.config }, weights, batch, options));
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

/** Micro-batches have any number of sentences, and of tokens each. */
const axes: Axes = {
  ...Object.fromEntries(
    ["inputIds", "attentionMask", "keywordMask"].map((name) => [`batch.${name}`, ["sentences", "tokens"]]),
  ),
  "batch.keywordPositions": ["sentences", null],
  "batch.keywordCounts": ["sentences", null],
  "batch.rowWeights": ["sentences"],
  original: [null, "sentences", null],
};

/** A batch `count` times, one after the other. */
function repeated(batch: BatchTensors, count: number): BatchTensors {
  const again = <T extends tf.Tensor>(x: T): T => {
    const [rows, ...rest] = x.shape;
    const copies = tf.broadcastTo(tf.reshape(x, [1, rows!, ...rest]), [count, rows!, ...rest]);
    return tf.reshape(copies, [count * rows!, ...rest]) as T;
  };
  const { inputIds, attentionMask, keywordMask, keywordPositions, keywordCounts } = batch;
  return {
    ...batch,
    ...{ inputIds: again(inputIds), attentionMask: again(attentionMask), keywordMask: again(keywordMask) },
    ...{ keywordPositions: again(keywordPositions), keywordCounts: again(keywordCounts) },
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
