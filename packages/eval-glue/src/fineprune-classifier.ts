import { batchPieces } from "@pruning-bias/data";
import { type Checkpoint, labelCount, sequenceLogits } from "@pruning-bias/model";
import {
  densitiesOf,
  encodeMasked,
  hostMasks,
  initialScores,
  type Layout,
  type Pruned,
  type PruningSettings,
  regulariser,
  schedule,
  scoreLayout,
  trainedScores,
} from "@pruning-bias/pruning";
import {
  jit as compiled,
  type NDArray,
  type Random,
  softmaxCrossEntropy,
  tf,
  valueAndGradients,
} from "@pruning-bias/runtime";
import {
  accumulate,
  type Arrays,
  clipByGlobalNorm,
  expectConvergence,
  hostOptimizer,
  initialState,
  linearSchedule,
} from "@pruning-bias/training";
import { stepsOf } from "./check-options.ts";
import { epochBatches } from "./batches.ts";
import { axes, classifier, squaredErrors, type TokenBatch } from "./classifier.ts";
import { type SplitScore, score } from "./evaluate.ts";
import { tokenExamples } from "./examples.ts";
import { divided, groups, withClassifier } from "./finetune.ts";
import type { FinetuneOptions } from "./options.ts";
import { logits } from "./predict.ts";

/** What `finetune` takes, but for what is pruned already; and how the classifier is pruned. */
export interface FinepruneOptions extends Omit<
  FinetuneOptions,
  "pruned" | "test" | "freezeEncoder" | "keep" | "sideBySide" | "resume" | "dropout"
> {
  /** What is pruned and how. */
  readonly pruning: PruningSettings;
  /** Trains the scores and the head alone; `false` by default. */
  readonly freezeWeights?: boolean;
}

interface Position {
  /** Steps made. */
  readonly step: number;
  readonly totalSteps: number;
  /** From 1. */
  readonly epoch: number;
  readonly threshold: number;
}

/** A step of fine-pruning. */
export interface PruneStepEvent extends Position {
  /** Which event it is. */
  readonly kind: "step";
  /** Mean loss of the batch: cross entropy in nats, or squared error. */
  readonly loss: number;
  /** What the regulariser adds to it: λ·L_prune. */
  readonly penalty: number;
}

/** The end of an epoch, as the model is at the final threshold. */
export interface PruneEpochEvent extends Position {
  /** Which event it is. */
  readonly kind: "epoch";
  /** By validation split. */
  readonly scores: Readonly<Record<string, SplitScore>>;
  /** Share of the masked weights that is open, 0 … 1. */
  readonly density: number;
}

/** What fine-pruning leaves: `prunedCheckpoint(checkpoint, pruned, "compact")` makes it permanent. */
export interface FineprunedClassifier {
  /** As trained: its closed weights are still there. */
  readonly checkpoint: Checkpoint;
  /** Its scores, and the final threshold. */
  readonly pruned: Pruned;
}

/**
 * Fine-prunes a classifier on a GLUE task (Sanh et al. 2020, section 4; Lagunas et al. 2021): weights and pruning scores train
 * together on the task's loss + λ·L_prune while the threshold rises, with AdamW and a linearly falling learning rate.
 *
 * A classifier of the task is a start; on any other encoder its head is drawn from `seed`. Runs cannot be resumed.
 *
 * @throws RangeError for no epochs or a block that does not divide; DivergenceError where the loss is no number or explodes
 */
export async function* finepruneClassifier({
  checkpoint: start,
  train,
  validation,
  pruning,
  freezeWeights = false,
  jit = compiled,
  epochs = 3,
  batchSize = 32,
  order = "random",
  learningRate = 2e-5,
  warmupSteps = 0,
  weightDecay = 0,
  maxGradientNorm = 1,
  optimizer: adam = {},
  tokenBudget = 2048,
  seed = 42,
}: FinepruneOptions): AsyncGenerator<PruneStepEvent | PruneEpochEvent, FineprunedClassifier> {
  const numbers = { epochs, batchSize, learningRate, warmupSteps, weightDecay, maxGradientNorm, tokenBudget, seed };
  const totalSteps = stepsOf("finepruneClassifier", numbers, train.length);
  const headed = withClassifier(start, train.task, seed, languageHeads);
  const { config } = headed;
  const layout = scoreLayout(config, pruning);
  const scores = initialScores(layout, seed);
  const ownScores = trainedScores(layout, scores);
  const { trained, fixed } = divided(headed, freezeWeights);
  let state = initialState({ ...trained, ...ownScores });
  const { update } = hostOptimizer([
    { ...adam, names: Object.keys(ownScores), learningRate: pruning.scoresLearningRate },
    ...groups(Object.keys(trained), { ...adam, learningRate, weightDecay }),
  ]);

  const program = jit(gradientsOf(config, layout, pruning), { axes });
  const model = classifier(jit, { config, layout });
  const cut = { tokenBudget, sideBySide: false };
  const pad = config.pad_token_id ?? 0;
  const training = tokenExamples(train, pad);
  const final = schedule(pruning, { step: totalSteps, totalSteps, warmupSteps, training: false });
  /** Arrays of these names as they are now. */
  const present = (arrays: Arrays) =>
    Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, state.parameters[name] ?? array]));
  const pruned = (): Pruned => ({ layout, scores: present(scores), threshold: final.threshold });

  try {
    let firstLoss: number | undefined;
    let step = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      for (const rows of epochBatches(training.lengths, { batchSize, order, seed, epoch })) {
        const pressure = schedule(pruning, { step, totalSteps, warmupSteps, training: true });
        const { threshold, lambda, temperature } = pressure;
        const gradients: Record<string, NDArray> = {};
        let [loss, penalty] = [0, 0];
        for (const [n, piece] of batchPieces(rows, training.lengths, { tokenBudget, anyShape: true }).entries()) {
          const made = await program(
            {
              ...{ trained: state.parameters, fixed, threshold, lambda, temperature, batch: training.batch(piece) },
              ...{ share: 1 / rows.length, part: piece.rows.length / rows.length },
            },
            { seed, counter: step * MOST_PIECES + n },
          );
          loss += made.loss.data[0]!;
          penalty += made.penalty.data[0]!;
          accumulate(gradients, made.gradients);
        }
        const gradientNorm = clipByGlobalNorm(gradients, maxGradientNorm);
        firstLoss ??= loss + penalty;
        const batch = `epoch ${epoch} of ${train.task}, examples ${rows.subarray(0, 8).join(", ")} …`;
        expectConvergence({ step: step + 1, batch, loss: loss + penalty, gradientNorm, firstLoss });
        state = await update(state, gradients, linearSchedule(step, totalSteps, warmupSteps));
        step++;
        yield { kind: "step", step, totalSteps, epoch, threshold, loss, penalty };
      }
      const { scores: made, threshold } = pruned();
      const weights = present(headed.weights);
      const { density } = densitiesOf(layout, hostMasks(layout, { ...weights, ...made }, threshold));
      const now = { trained: {}, fixed: weights, scores: made, threshold };
      const scored: [string, SplitScore][] = [];
      for (const split of validation) {
        scored.push([
          split.split,
          score(await logits(model, now, tokenExamples(split, pad), cut), split, train.labels),
        ]);
      }
      yield { kind: "epoch", step, totalSteps, epoch, threshold, scores: Object.fromEntries(scored), density };
    }
  } finally {
    await Promise.all([program.dispose(), model.dispose()]);
  }
  return { checkpoint: { ...headed, weights: present(headed.weights) }, pruned: pruned() };
}

/** Noise of each piece has a number of its own. */
const MOST_PIECES = 1 << 16;

/** A classifier is a start, a language model's head is not. */
const languageHeads = /^(cls|discriminator_predictions)\./;

interface Inputs {
  /** Weights and scores. */
  readonly trained: Readonly<Record<string, tf.Tensor>>;
  readonly fixed: Readonly<Record<string, tf.Tensor>>;
  readonly threshold: tf.Scalar;
  readonly lambda: tf.Scalar;
  readonly temperature: tf.Scalar;
  readonly batch: TokenBatch;
  /** One over the examples of the whole batch, and the share of them in this piece. */
  readonly share: tf.Scalar;
  readonly part: tf.Scalar;
}

/** The loss of a piece, the regulariser's part in it, and the gradients of both together. */
const gradientsOf = (config: Checkpoint["config"], layout: Layout, pruning: PruningSettings) => {
  const lossesOf = labelCount(config) === 1 ? squaredErrors : softmaxCrossEntropy;
  return ({ trained, fixed, threshold, lambda, temperature, batch, share, part }: Inputs, random: Random) => {
    let [loss, penalty]: tf.Scalar[] = [];
    const { gradients } = valueAndGradients((own: typeof trained) => {
      const weights = { ...fixed, ...own };
      // Nothing is read but the first token of the last layer.
      const lastPositions = tf.zeros([batch.inputIds.shape[0], 1], "int32") as tf.Tensor2D;
      const options = { random, lastPositions, maskTraining: { noise: random, temperature } };
      const last = encodeMasked(config, layout, { weights, scores: own, threshold }, batch, options).at(-1)!; // (B, 1, D)
      const losses = lossesOf(sequenceLogits(config, weights, last, { random }), batch.labels);
      loss = tf.mul<tf.Scalar>(tf.sum(tf.mul(losses, batch.rowWeights)), share);
      penalty = tf.mul<tf.Scalar>(tf.mul(lambda, part), regulariser(layout, pruning, own));
      return tf.add<tf.Scalar>(loss, penalty);
    }, trained);
    return { loss: loss!, penalty: penalty!, gradients };
  };
};
