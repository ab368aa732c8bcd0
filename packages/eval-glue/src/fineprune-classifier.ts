import type { Checkpoint } from "@pruning-bias/model";
import {
  densitiesOf,
  hostMasks,
  initialScores,
  type Pruned,
  type PruningSettings,
  schedule,
  scoreLayout,
  trainedScores,
} from "@pruning-bias/pruning";
import { allShared, type Arrays, copies, expectFinite, hostOptimizer, initialState } from "@pruning-bias/training";
import { stepsOf } from "./check-options.ts";
import { epochBatches } from "./batches.ts";
import { classifier } from "./classifier.ts";
import { type SplitScore, score } from "./evaluate.ts";
import { tokenExamples } from "./examples.ts";
import { divided, groups, withClassifier } from "./finetune.ts";
import { type FinetuneOptions, withDefaults } from "./options.ts";
import { logits } from "./predict.ts";
import { trainingSteps } from "./training-step.ts";

/** What `finetune` takes, but for what is pruned already; and how the classifier is pruned. */
export interface FinepruneOptions extends Omit<
  FinetuneOptions,
  "pruned" | "test" | "freezeEncoder" | "keep" | "resume" | "dropout"
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
export async function* finepruneClassifier(
  options: FinepruneOptions,
): AsyncGenerator<PruneStepEvent | PruneEpochEvent, FineprunedClassifier> {
  const { checkpoint: start, train, validation, pruning, freezeWeights = false } = options;
  const settings = withDefaults(options);
  const { jit, epochs, batchSize, order, learningRate, warmupSteps, weightDecay, tokenBudget, sideBySide } = settings;
  const { optimizer: adam, seed } = settings;
  const totalSteps = stepsOf("finepruneClassifier", settings, train.length);
  const headed = withClassifier(start, train.task, seed, languageHeads);
  const { config } = headed;
  const layout = scoreLayout(config, pruning);
  const scores = initialScores(layout, seed);
  const ownScores = trainedScores(layout, scores);
  const { trained, fixed: given } = divided(headed, freezeWeights);
  const placed = sideBySide ? allShared : (arrays: Arrays): Arrays => arrays;
  const fixed = placed(given);
  let state = initialState({ ...trained, ...ownScores });
  state = { ...state, parameters: placed(state.parameters), m: placed(state.m), v: placed(state.v) };
  const optimizer = hostOptimizer(
    [
      { ...adam, names: Object.keys(ownScores), learningRate: pruning.scoresLearningRate },
      ...groups(Object.keys(trained), { ...adam, learningRate, weightDecay }),
    ],
    { sideBySide },
  );

  const model = classifier(jit, { config, layout, pruning });
  const cut = { tokenBudget, sideBySide };
  const pad = config.pad_token_id ?? 0;
  const training = tokenExamples(train, pad);
  const trainOn = trainingSteps(model, training, { ...settings, optimizer, totalSteps, padding: config.pad_token_id });
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
        const { threshold, lambda, temperature } = schedule(pruning, {
          ...{ step, totalSteps, warmupSteps, training: true },
        });
        const subject = { trained: state.parameters, fixed, scores: {}, threshold };
        const made = await trainOn({ state, subject, rows, step, epoch, firstLoss, pressure: { lambda, temperature } });
        const { loss, penalty } = made;
        ({ state, firstLoss } = made);
        step++;
        yield { kind: "step", step, totalSteps, epoch, threshold, loss, penalty };
      }
      expectFinite(step, state.parameters);
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
    await Promise.all([model.dispose(), optimizer.dispose()]);
  }
  const weights = copies(present(headed.weights)) as Checkpoint["weights"];
  return { checkpoint: { ...headed, weights }, pruned: { ...pruned(), scores: copies(present(scores)) } };
}

/** A classifier is a start, a language model's head is not. */
const languageHeads = /^(cls|discriminator_predictions)\./;
