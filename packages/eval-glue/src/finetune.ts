import { type GlueTask, type GlueTokens, glueTasks } from "@pruning-bias/data";
import { type BertConfig, type Checkpoint, familyOf, withHead } from "@pruning-bias/model";
import { closedByMagnitude, type Pruned } from "@pruning-bias/pruning";
import type { NDArray } from "@pruning-bias/runtime";
import {
  allShared,
  type Arrays,
  copies,
  expectFinite,
  hostOptimizer,
  initialState,
  type OptimizerState,
  type ParameterGroup,
  type TrainingState,
} from "@pruning-bias/training";
import { stepsOf } from "./check-options.ts";
import { epochBatches } from "./batches.ts";
import { type Classifier, classifier } from "./classifier.ts";
import { mainScore, score } from "./evaluate.ts";
import type { EpochScores, FinetuneEvent } from "./events.ts";
import { type Examples, featureExamples, tokenExamples } from "./examples.ts";
import { type FinetuneOptions, withDefaults } from "./options.ts";
import { features, logits, type PredictOptions, type Subject } from "./predict.ts";
import { trainingSteps } from "./training-step.ts";
import { compactVocabulary } from "./vocabulary.ts";

/**
 * Fine-tunes a classifier on one GLUE task as run_glue does (Devlin et al. 2019; Wang et al. 2019): a new classifier on
 * the pooled [CLS], all weights trained with AdamW and a linearly falling learning rate; a pooler that the checkpoint
 * lacks is drawn too. A pruned encoder keeps its masks: closed weights get no gradient.
 *
 * @throws RangeError for splits of different tasks; DivergenceError where the loss is no number or explodes,
 *   or an epoch leaves weights that are no finite numbers
 */
export async function* finetune(options: FinetuneOptions): AsyncGenerator<FinetuneEvent, void> {
  const { checkpoint: start, train, validation, test = [], pruned, resume } = options;
  const { freezeEncoder = false, dropout, keep = "last" } = options;
  const settings = withDefaults(options);
  const { jit, epochs, batchSize, order, learningRate, weightDecay, tokenBudget, sideBySide, seed } = settings;
  const { task } = train;
  const totalSteps = stepsOf("finetune", settings, train.length);
  expectSameTask(task, [...validation, ...test]);

  const headed = withClassifier(withFixedMasks(start, pruned), task, seed, otherHeads);
  // With weight decay every row of the table moves, used or not.
  const whole = (weights: Arrays): Arrays => weights;
  const splits = [train, ...validation, ...test];
  const used =
    freezeEncoder || weightDecay !== 0 ? { checkpoint: headed, splits, whole } : compactVocabulary(headed, splits);
  const config = dropout === undefined ? used.checkpoint.config : withDropout(used.checkpoint.config, dropout);
  const model = classifier(jit, { config, layout: pruned?.layout });
  const { trained, fixed: given } = divided(used.checkpoint, freezeEncoder);
  const placed = sideBySide ? allShared : (arrays: Arrays): Arrays => arrays;
  const fixed = placed(given);
  const optimizer = hostOptimizer(groups(Object.keys(trained), { ...settings.optimizer, learningRate, weightDecay }), {
    sideBySide,
  });
  const masks = { scores: pruned?.scores ?? {}, threshold: pruned?.threshold ?? 0 };
  const subjectOf = (parameters: Arrays): Subject => ({ trained: parameters, fixed, ...masks });
  const cut = { tokenBudget, sideBySide };

  let state = resume?.optimizer ?? initialState(trained);
  state = { ...state, parameters: placed(state.parameters), m: placed(state.m), v: placed(state.v) };
  let step = resume?.step ?? 0;
  let { sum = 0, firstLoss } = (resume?.values ?? {}) as { sum?: number; firstLoss?: number };
  const losses = [...((resume?.values["losses"] as number[] | undefined) ?? [])];
  /** Logits of every epoch's validation, and the best weights so far. */
  const kept: Record<string, NDArray> = { ...resume?.arrays };
  const current = (): TrainingState => ({
    ...{ step, optimizer: copyOf(state), arrays: { ...kept } },
    values: { sum, losses: [...losses], ...(firstLoss !== undefined && { firstLoss }) },
  });
  const historyOf = (epoch: number): EpochScores => {
    const scores = validation.map((split) => [
      split.split,
      score(kept[`logits.${epoch}.${split.split}`]!, split, train.labels),
    ]);
    return { epoch, loss: losses[epoch - 1]!, scores: Object.fromEntries(scores) };
  };
  const history = losses.map((_, index) => historyOf(index + 1));
  const best = () => history.reduce((a, b) => (firstScore(b) > firstScore(a) ? b : a), history[0]!);

  try {
    const all = await Promise.all(
      used.splits.map((split) => examplesOf(split, { model, subject: subjectOf(trained), config, cut, freezeEncoder })),
    );
    const [training, ...others] = all as [Examples, ...Examples[]];
    const trainOn = trainingSteps(model, training, {
      ...settings,
      optimizer,
      totalSteps,
      padding: config.pad_token_id,
    });
    while (losses.length < epochs) {
      const epoch = losses.length + 1;
      const batches = epochBatches(training.lengths, { batchSize, order, seed, epoch });
      for (const rows of batches.slice(step - batches.length * (epoch - 1))) {
        const subject = subjectOf(state.parameters);
        const made = await trainOn({ state, subject, rows, step, epoch, firstLoss });
        const { loss, gradientNorm } = made;
        ({ state, firstLoss } = made);
        step++;
        sum += loss * rows.length;
        const tokens = rows.reduce((total, row) => total + training.lengths[row]!, 0);
        const position = { step, totalSteps, epoch, learningRate: made.learningRate };
        yield { kind: "step", ...position, loss, gradientNorm, tokens, state: current };
      }
      expectFinite(step, state.parameters);
      for (const examples of others.slice(0, validation.length)) {
        kept[`logits.${epoch}.${examples.source.split}`] = await logits(
          model,
          subjectOf(state.parameters),
          examples,
          cut,
        );
      }
      losses.push(sum / train.length);
      sum = 0;
      history.push(historyOf(epoch));
      if (keep === "best" && best().epoch === epoch) {
        for (const [name, array] of Object.entries(copies(state.parameters))) kept[`best.${name}`] = array;
      }
      yield { kind: "epoch", step, totalSteps, ...history.at(-1)!, state: current };
    }

    const chosen = keep === "best" ? best() : history.at(-1)!;
    const parameters = keep === "best" ? bestWeights(kept) : state.parameters;
    const found = validation.map(({ split }) => [split, kept[`logits.${chosen.epoch}.${split}`]!] as const);
    for (const examples of others.slice(validation.length)) {
      const own = await logits(model, subjectOf(parameters), examples, cut);
      found.push([examples.source.split, own]);
    }
    yield {
      ...{ kind: "done", task, step, totalSteps, keep, ...chosen, history },
      logits: Object.fromEntries(found),
      checkpoint: { ...headed, weights: used.whole(copies({ ...fixed, ...parameters })) as Checkpoint["weights"] },
    };
  } finally {
    await Promise.all([model.dispose(), optimizer.dispose()]);
  }
}

interface ExampleOptions {
  readonly model: Classifier;
  readonly subject: Subject;
  readonly config: BertConfig;
  readonly cut: PredictOptions;
  readonly freezeEncoder: boolean;
}

async function examplesOf(split: GlueTokens, { model, subject, config, cut, freezeEncoder }: ExampleOptions) {
  const examples = tokenExamples(split, config.pad_token_id ?? 0);
  if (!freezeEncoder) return examples;
  const { data } = await features(model, subject, examples, cut);
  return featureExamples(split, data as Float32Array);
}

const copyOf = ({ parameters, m, v, updates }: OptimizerState): OptimizerState => ({
  ...{ parameters: copies(parameters), m: copies(m), v: copies(v), updates },
});

/**
 * The encoder under a classifier of the task, of which is drawn from the seed what the checkpoint lacks.
 *
 * @param replaced names of weights that are no start
 */
export function withClassifier(checkpoint: Checkpoint, task: GlueTask, seed: number, replaced: RegExp): Checkpoint {
  const kept = Object.entries(checkpoint.weights).filter(([name]) => !replaced.test(name));
  const encoder = { ...checkpoint, weights: Object.fromEntries(kept) };
  return withHead(encoder, { seed, head: "classification", labels: glueTasks[task].labels });
}

/** Magnitudes move with the weights: what they close is taken out, and stays the smallest. */
const withFixedMasks = (start: Checkpoint, pruned: Pruned | undefined): Checkpoint =>
  pruned === undefined
    ? start
    : { ...start, weights: closedByMagnitude(pruned.layout, start.weights, pruned.threshold) };

/** A head of another task is not a start, nor is a language model's used. */
const otherHeads = /^(cls|classifier|pre_classifier|discriminator_predictions)\./;

/** The weights that are trained, and the others. */
export function divided({ config, weights }: Checkpoint, freezeEncoder: boolean): { trained: Arrays; fixed: Arrays } {
  const { hidden, output } = familyOf(config).classifier;
  const isHead = (name: string) => name.startsWith(`${hidden}.`) || name.startsWith(`${output}.`);
  const some = (wanted: boolean): Arrays =>
    Object.fromEntries(Object.entries(weights).filter(([name]) => (!freezeEncoder || isHead(name)) === wanted));
  return { trained: some(true), fixed: some(false) };
}

const bestWeights = (kept: Arrays): Arrays =>
  Object.fromEntries(
    Object.entries(kept).flatMap(([name, array]) =>
      name.startsWith("best.") ? [[name.slice("best.".length), array]] : [],
    ),
  );

/** NaN, such as a constant's correlation, is no better than anything. */
function firstScore({ scores }: EpochScores): number {
  const [first] = Object.values(scores);
  const value = first === undefined ? NaN : mainScore(first.metrics);
  return Number.isNaN(value) ? -Infinity : value;
}

function withDropout<C extends BertConfig>(config: C, rate: number): C {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`finetune: expected a dropout in [0, 1), got ${rate}`);
  const rates = { hidden_dropout_prob: rate, attention_probs_dropout_prob: rate, classifier_dropout: rate };
  return { ...config, ...rates };
}

function expectSameTask(task: GlueTask, others: readonly GlueTokens[]): void {
  const other = others.find((split) => split.task !== task);
  if (other === undefined) return;
  throw new RangeError(`finetune: expected splits of ${task}, got ${other.split} of ${other.task}`);
}

export function groups(names: string[], { weightDecay, ...options }: Omit<ParameterGroup, "names">): ParameterGroup[] {
  const plain = (name: string) => name.endsWith(".bias") || name.includes("LayerNorm");
  return [
    { ...options, names: names.filter((name) => !plain(name)), ...(weightDecay !== undefined && { weightDecay }) },
    { ...options, names: names.filter(plain) },
  ];
}
