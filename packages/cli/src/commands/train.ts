import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "@pruning-bias/files";
import type { DebiasData, Sentences } from "@pruning-bias/data";
import {
  type DebiasSentences,
  fineprune,
  type FinepruneOptions,
  type FinepruneResult,
  plan,
  sameGates,
  type StepEvent,
  type ValidationEvent,
} from "@pruning-bias/debias";
import { type Layout, type PruningSettings, pruningWarnings, scoreLayout, writeScores } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import { classifierOf } from "../config/classifier.ts";
import type { Config } from "../config/schema.ts";
import { memoryOf } from "../sweep/memory.ts";
import { UsageError } from "../usage-error.ts";
import { alternative } from "./alternative.ts";
import { newCheckpoints, resumeFrom } from "./checkpoints.ts";
import type { Context } from "./context.ts";
import { writeJson } from "./files.ts";
import { firstSentences } from "./first-sentences.ts";
import { forget, seal } from "./forget.ts";
import { loadModel, loadSentences, type Model, modelName, openDevices, pruningSettings } from "./inputs.ts";
import { maskSummary } from "./mask-summary.ts";
import { originalFiles } from "./originals.ts";
import { runLog } from "./run-log.ts";
import { sayMemory } from "./say-memory.ts";
import { saveModel } from "./save-model.ts";
import { seatMeter } from "./seat.ts";

/** What a run says of itself when it is done. */
export interface TrainSummary {
  readonly steps: number;
  readonly seconds: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
}

export interface TrainOptions {
  /** Goes on from the newest checkpoint in the folder, if there is one. */
  readonly resume?: boolean;
}

/**
 * Runs one point: debiases a model as the configuration says and leaves in `out` its settings, metrics, scores, masks, and
 * the model where its weights were trained.
 *
 * @throws DivergenceError where a loss or a parameter is no number or explodes, naming step, batch and the last good checkpoint
 */
export async function train(
  config: Config,
  out: string,
  context: Context,
  { resume = false }: TrainOptions = {},
): Promise<TrainSummary> {
  checkClassifier(config, context);
  if (config.alternative !== null) {
    return alternative({ ...config, alternative: config.alternative }, out, context, { resume });
  }
  await makeFolder(out);
  const from = resume ? await resumeFrom(config, out, context) : undefined;
  const { jit, jitOnAll, devices } = await openDevices(config, context);
  const model = await loadModel(modelName(config), context);
  sayMemory(model.checkpoint.config, (shape) => memoryOf(config, shape), context);
  const data = await loadSentences(config, model.tokenizer, context);
  const pruning = pruningSettings(config, model.checkpoint.config);
  const layout = pruning && scoreLayout(model.checkpoint.config, pruning);
  const measureSeat = await seatWhileTraining(config, model, { layout, pruning, jit }, context);
  await forget(out, { metrics: from === undefined });
  const checkpoints = from?.checkpoints ?? (await newCheckpoints(config, out));
  const log = await runLog(out, { layout, ...(from && { resume: from.state }) }, context);

  const originals = originalFiles(config, context);
  const options = {
    ...finepruneOptions(config, data, pruning),
    checkpoint: model.checkpoint,
    originals,
    jit: jitOnAll,
  };
  warn(config, pruning, plan(options).totalSteps, context);
  const run = fineprune({ ...options, devices, ...(from && { resume: from.state }) });
  let result: FinepruneResult;
  let unwritten: StepEvent | undefined;
  const write = async (event: StepEvent) => checkpoints.write(await log.into(event.state()));
  try {
    for (;;) {
      const { done, value } = await run.next();
      if (done) {
        result = value;
        // It stopped before the step that would have been the last.
        if (unwritten !== undefined) await write(unwritten);
        break;
      }
      if (value.kind === "step") {
        await log.step(value);
        const due = value.step % config.trainer.checkpoint_every === 0 || value.step === value.totalSteps;
        if (due) await write(value);
        unwritten = due ? undefined : value;
      }
      if (value.kind === "validation") await log.validation(value, await measureSeat(value));
      if (value.kind === "settled") await log.settled(value, await measureSeat.final(value));
    }
  } catch (error) {
    throw checkpoints.explained(error);
  }
  await measureSeat.dispose();
  if (layout !== undefined && pruning !== undefined) {
    const metadata = { base_model: modelName(config), final_threshold: String(result.threshold) };
    await writeScores(join(out, "scores.safetensors"), layout, result.scores, pruning, metadata);
    await writeJson(
      join(out, "masks.json"),
      maskSummary(layout, { ...result.weights, ...result.scores }, result.threshold),
    );
  }
  if (!config.model.freeze_weights || pruning === undefined) {
    const trained = { ...model.checkpoint, weights: { ...result.weights } };
    await saveModel(join(out, "model"), trained, { tokenizerFrom: model.dir });
  }
  const { seconds, tokens } = log.totals();
  const summary = { steps: result.steps, seconds, tokens, tokensPerSecond: tokens / seconds };
  await writeJson(join(out, "config.json"), config);
  await writeJson(join(out, "summary.json"), summary);
  await log.finish();
  await seal(out);
  await checkpoints.finish();
  return summary;
}

function finepruneOptions(
  config: Config,
  data: DebiasData,
  pruning: PruningSettings | undefined,
): Omit<FinepruneOptions, "checkpoint" | "jit"> {
  const { model, datamodule, trainer, seed, compat } = config;
  return {
    train: sentencesOf(data, "train"),
    validation: sentencesOf(data, "validation", trainer.limit_val_sentences ?? Infinity),
    ...(pruning && { pruning }),
    freezeWeights: model.freeze_weights && pruning !== undefined,
    embeddingLayer: model.embedding_layer,
    debiasMode: model.debias_mode,
    ...(model.debias_loss_form !== null && { lossForm: model.debias_loss_form }),
    ...(model.loss_alpha !== null && { alpha: model.loss_alpha }),
    beta: model.loss_beta,
    learningRate: model.learning_rate,
    weightDecay: model.weight_decay,
    warmupSteps: model.warmup_steps,
    ...(pruning === undefined && { eps: model.adam_eps }),
    variant: model.optimizer,
    batchSize: datamodule.batch_size,
    tokenBudget: datamodule.token_budget,
    ...(datamodule.microbatch !== null && { microbatch: datamodule.microbatch }),
    originalCache: datamodule.original_cache,
    ...(trainer.gradient_clip_val !== null && { clipNorm: trainer.gradient_clip_val }),
    ...(trainer.early_stop_patience !== null && { patience: trainer.early_stop_patience }),
    keepBest: trainer.best_checkpoint,
    ...(config.pruning && { settle: config.pruning.settle, settleSentences: config.pruning.settle_sentences }),
    epochs: trainer.max_epochs,
    limitBatches: trainer.limit_train_batches ?? Infinity,
    maxSteps: trainer.max_steps ?? Infinity,
    validationsPerEpoch: Math.max(1, Math.round(1 / trainer.val_check_interval)),
    staticSentences: datamodule.static_sentences ?? Infinity,
    ...{ seed, compat },
  };
}

function sentencesOf(data: DebiasData, part: "train" | "validation", limit = Infinity): DebiasSentences {
  const first = (sentences: Sentences) => firstSentences(sentences, limit);
  return { targets: first(data.stereotype[part]), male: first(data.male[part]), female: first(data.female[part]) };
}

/** SEAT effects of the model as it stands, at the final threshold and at the current one. */
async function seatWhileTraining(
  config: Config,
  model: Model,
  { layout, pruning, jit }: { layout: Layout | undefined; pruning: PruningSettings | undefined; jit: Jit },
  context: Context,
) {
  const pruned = layout && pruning && { layout, scores: {}, threshold: pruning.finalThreshold };
  const effects = await seatMeter(config, model, { pruned, jit }, context);
  const final = ({ threshold, parameters }: Pick<ValidationEvent, "threshold" | "parameters">) =>
    effects({ ...parameters(), threshold });
  const both = async (event: ValidationEvent) => {
    const { current } = event;
    const atEnd = await final(event);
    return { final: atEnd, current: sameGates(event, current) ? atEnd : await final({ ...event, ...current }) };
  };
  return Object.assign(both, { final, dispose: () => effects.dispose() });
}

/** What must end badly, said before an hour is spent on it. */
function warn(
  { model, compat }: Config,
  pruning: PruningSettings | undefined,
  totalSteps: number,
  { log }: Context,
): void {
  if (pruning === undefined) return;
  const warnings = pruningWarnings(pruning, {
    totalSteps,
    // The original's schedule has a warm-up of its own, −1.
    warmupSteps: compat === "reference" ? -1 : model.warmup_steps,
    // Embeddings are not pruned.
    lossReachesScores: model.embedding_layer !== "first",
    trainsWeights: !model.freeze_weights,
  });
  for (const warning of warnings) log(`pruning: ${warning}`);
}

/** A point alone makes no classifier to start from, as a sweep does: without this the model's loader would ask for a model of the hub. */
function checkClassifier(config: Config, { root }: Context): void {
  const classifier = classifierOf(config);
  if (classifier === undefined || existsSync(join(root, classifier.root, "config.json"))) return;
  throw new UsageError(
    `model.hf_checkpoint: expected a classifier of ${classifier.task} in ${classifier.root}, got none; a sweep fine-tunes it first: pruning-bias sweep`,
  );
}
