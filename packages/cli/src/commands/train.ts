import { appendFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DebiasData, type Sentences, take } from "@pruning-bias/data";
import {
  type DebiasSentences,
  fineprune,
  type FinepruneOptions,
  type FinepruneResult,
  type Parameters,
} from "@pruning-bias/debias";
import { embedder, seat } from "@pruning-bias/eval-bias";
import { saveCheckpoint } from "@pruning-bias/model";
import {
  hostMasks,
  type Layout,
  type PruningSettings,
  rampSteps,
  scoreLayout,
  undecided,
  writeScores,
} from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { jsonLine, writeJson } from "./files.ts";
import { loadModel, loadSeatTests, loadSentences, type Model, modelName, openJit, pruningSettings } from "./inputs.ts";
import { maskSummary } from "./mask-summary.ts";

/** What a run says of itself when it is done. */
export interface TrainSummary {
  readonly steps: number;
  readonly seconds: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
}

/**
 * Runs one point: debiases a model as the configuration says and leaves in `out` its settings, metrics, scores, masks, and
 * the model where its weights were trained.
 */
export async function train(config: Config, out: string, context: Context): Promise<TrainSummary> {
  await mkdir(out, { recursive: true });
  const jit = await openJit(config, context);
  const model = await loadModel(modelName(config), context);
  const data = await loadSentences(config, model.tokenizer, context);
  const pruning = pruningSettings(config, model.checkpoint.config);
  const layout = pruning && scoreLayout(model.checkpoint.config, pruning);
  const measureSeat = await seatWhileTraining(config, model, { layout, pruning, jit }, context);
  warn(config, context);
  await forget(out);

  // Metrics grow under another name: a run that was cut off leaves none that look whole.
  const metrics = join(out, "metrics.jsonl.part");
  await writeFile(metrics, "");
  const record = (row: object) => appendFile(metrics, `${jsonLine(row)}\n`);
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let tokens = 0;
  const run = fineprune({ ...finepruneOptions(config, data, pruning), checkpoint: model.checkpoint, jit });
  let result: FinepruneResult;
  for (;;) {
    const { done, value } = await run.next();
    if (done) {
      result = value;
      break;
    }
    if (value.kind === "step") {
      const { openBlocks, learningRates, ...row } = value;
      if (value.step === 1 && pruning !== undefined) warnOfJump(config, pruning, value.totalSteps, context);
      tokens += value.tokens;
      await record({ ...row, learningRate: learningRates[0], open: sum(openBlocks), seconds: seconds() });
      const detail = `loss ${value.loss.toFixed(4)}  ${Math.round(tokens / seconds())} tokens/s`;
      context.progress({ what: "step", done: value.step, total: value.totalSteps, detail });
    }
    if (value.kind === "validation") {
      const { parameters: current, ...row } = value;
      const parameters = current();
      const effects = await measureSeat(parameters);
      const blocks = layout === undefined ? {} : blockCounts(layout, parameters.scores, value.threshold);
      await record({ ...row, ...blocks, seat: effects, seconds: seconds() });
      const shown = Object.entries(effects).map(([name, effect]) => `${name} ${effect.toFixed(2)}`);
      context.log(
        `validation at step ${value.step}: debias ${value.lossDebias.toFixed(4)}, keep ${value.lossKeep.toFixed(4)}, ${shown.join(", ")}`,
      );
    }
  }
  await measureSeat.dispose();
  if (layout !== undefined && pruning !== undefined) {
    const metadata = { base_model: modelName(config), final_threshold: String(result.threshold) };
    await writeScores(join(out, "scores.safetensors"), layout, result.scores, pruning, metadata);
    await writeJson(join(out, "masks.json"), maskSummary(layout, result.scores, result.threshold));
  }
  if (!config.model.freeze_weights || pruning === undefined) {
    const trained = { ...model.checkpoint, weights: { ...result.weights } };
    await saveCheckpoint(join(out, "model"), trained, { tokenizerFrom: model.dir });
  }
  const summary = { steps: result.steps, seconds: seconds(), tokens, tokensPerSecond: tokens / seconds() };
  await writeJson(join(out, "config.json"), config);
  await writeJson(join(out, "summary.json"), summary);
  await rename(metrics, join(out, "metrics.jsonl"));
  return summary;
}

function finepruneOptions(
  { model, datamodule, trainer, seed, compat, debug }: Config,
  data: DebiasData,
  pruning: PruningSettings | undefined,
): Omit<FinepruneOptions, "checkpoint" | "jit"> {
  const quick = debug || trainer.fast_dev_run;
  return {
    train: sentencesOf(data, "train"),
    validation: sentencesOf(
      data,
      "validation",
      quick ? datamodule.batch_size : (trainer.limit_val_sentences ?? Infinity),
    ),
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
    microbatch: datamodule.microbatch,
    epochs: quick ? 1 : trainer.max_epochs,
    limitBatches: quick ? 1 : (trainer.limit_train_batches ?? Infinity),
    maxSteps: trainer.max_steps ?? Infinity,
    validationsPerEpoch: Math.max(1, Math.round(1 / trainer.val_check_interval)),
    staticSentences: quick ? datamodule.batch_size : (datamodule.static_sentences ?? Infinity),
    ...{ seed, compat },
  };
}

function sentencesOf(data: DebiasData, part: "train" | "validation", limit = Infinity): DebiasSentences {
  const first = (sentences: Sentences) =>
    sentences.length <= limit
      ? sentences
      : take(
          sentences,
          Int32Array.from({ length: limit }, (_, row) => row),
        );
  return { targets: first(data.stereotype[part]), male: first(data.male[part]), female: first(data.female[part]) };
}

/** SEAT effects of the model as it stands, from programs that are compiled once. */
async function seatWhileTraining(
  config: Config,
  { checkpoint, tokenizer }: Model,
  { layout, pruning, jit }: { layout: Layout | undefined; pruning: PruningSettings | undefined; jit: Jit },
  context: Context,
) {
  const tests = await loadSeatTests(config, context);
  const pruned = layout && pruning && { layout, scores: {}, threshold: pruning.finalThreshold };
  const embed = embedder({ checkpoint, tokenizer, pruned, jit });
  const measure = async ({ weights, scores }: Parameters): Promise<Record<string, number>> => {
    const current = (sentences: string[]) => embed(sentences, { weights, scores });
    // Effect sizes alone are shown here: as few permutations as there can be, and no intervals.
    const results = await seat({ tests, embed: current, protocol: "cls", samples: 1, bootstrapSamples: 0 });
    return Object.fromEntries(results.map(({ test, effectSize }) => [test, effectSize]));
  };
  return Object.assign(measure, { dispose: () => embed.dispose() });
}

function blockCounts(layout: Layout, scores: Parameters["scores"], threshold: number) {
  const masks = Object.values(hostMasks(layout, scores, threshold));
  const open = sum(masks.map((mask) => mask.open));
  return { open, closed: sum(masks.map(({ total }) => total)) - open, undecided: undecided(layout, scores, threshold) };
}

/** What an earlier run left in the folder is not taken for this one's, whatever of it this one makes anew. */
async function forget(out: string): Promise<void> {
  const left = ["config.json", "metrics.jsonl", "summary.json", "masks.json", "scores.safetensors", "model"];
  for (const name of [...left, "bias.json", "glue"]) await rm(join(out, name), { recursive: true, force: true });
}

/** Settings that must end badly, said before an hour is spent on them. */
function warn({ model, pruning }: Config, { log }: Context): void {
  if (pruning !== null && model.freeze_weights && model.embedding_layer === "first") {
    log(
      "model.embedding_layer=first: embeddings are not pruned, so the debiasing loss gives frozen scores no gradient and all close at once",
    );
  }
}

// The original's schedule has a warm-up of its own, −1.
function warnOfJump({ model, compat }: Config, pruning: PruningSettings, totalSteps: number, { log }: Context): void {
  if (compat === "reference" || rampSteps(pruning, { totalSteps, warmupSteps: model.warmup_steps }) > 0) return;
  log(
    `model.warmup_steps=${model.warmup_steps}: warm-ups take all ${totalSteps} steps, so the threshold jumps from first to last`,
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
