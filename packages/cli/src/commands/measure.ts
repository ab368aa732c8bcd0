import { existsSync } from "node:fs";
import { join } from "node:path";
import { concat, downloadGlue, type GlueTask, glueTasks, pronounProbes, pronouns, readGlue } from "@pruning-bias/data";
import { maskedLm, maskedLmLoss, pronounGap } from "@pruning-bias/eval-bias";
import { finetune } from "@pruning-bias/eval-glue";
import { type Pruned, readScores, scoreLayout } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import { reportedResult } from "../bias/measure.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { writeJson } from "./files.ts";
import { HELD_OUT } from "./pretrain.ts";
import { loadModel, loadSentences, type Model, modelName, openJit, pruningSettings, within } from "./inputs.ts";
import { seatOf } from "./seat.ts";

/** What is measured: the model that a run in `out` left, or the one it started from. */
export interface Subject {
  readonly config: Config;
  readonly out: string;
  readonly untouched: boolean;
}

/** Bias tests of one point; leaves `bias.json`. */
export async function runBias(subject: Subject, context: Context): Promise<unknown> {
  const { config, out } = subject;
  const { model, pruned } = await loadRun(subject, context);
  const protocol = "cls";
  const jit = await openJit(config, context);
  const results = await seatOf({ model, pruned, protocol, jit }, config, context);
  for (const { test, effectSize, p } of results) context.log(`${test}: effect ${effectSize.toFixed(3)}, p ${p ?? "–"}`);
  // The demo's model can be asked for pronouns, since its vocabulary and probes are known.
  const probe = config.pretrain === null ? {} : { probe: await probeMaskedLm(config, model, { pruned, jit }, context) };
  const tests = results.map(reportedResult);
  const result = { protocol, ...(pruned && { threshold: pruned.threshold }), tests, ...probe };
  await writeJson(join(out, "bias.json"), result);
  return result;
}

/** Fine-tunes one point on a GLUE task, its masks fixed; leaves `glue/TASK.json`. */
export async function runGlue(subject: Subject, task: string, context: Context): Promise<unknown> {
  const { config, out } = subject;
  if (!Object.hasOwn(glueTasks, task)) {
    throw new UsageError(`glue: expected one of ${Object.keys(glueTasks).join(", ")}, got ${JSON.stringify(task)}`);
  }
  const name = task as GlueTask;
  const { model, pruned } = await loadRun(subject, context);
  const folder = await glueFolder(config, name, context);
  const { epochs, batch_size: batchSize, learning_rate: learningRate, seed } = config.finetune;
  const splits = await Promise.all(
    glueTasks[name].validation.map(async (split) => [split, await readGlue(folder, name, split)] as const),
  );
  const train = first(await readGlue(folder, name, "train"), config.finetune.limit_train ?? Infinity);
  const started = performance.now();
  const jit = await openJit(config, context);
  let result: object | undefined;
  for await (const event of finetune({
    ...{ ...model, task: name, train, validation: Object.fromEntries(splits), jit },
    ...{ epochs, batchSize, learningRate, seed, ...(pruned && { pruned }) },
  })) {
    if (event.kind === "step") {
      context.progress({
        what: `${task} step`,
        done: event.step,
        total: event.totalSteps,
        detail: `loss ${event.loss.toFixed(4)}`,
      });
    }
    if (event.kind !== "done") continue;
    const [[, score]] = Object.entries(event.scores) as [[string, (typeof event.scores)[string]]];
    const seconds = (performance.now() - started) / 1000;
    result = { task, seed, metrics: score.metrics, majority: score.baseline, scores: event.scores, epochs, seconds };
    context.log(
      `${task}: ${Object.entries(score.metrics)
        .map(([metric, value]) => `${metric} ${value.toFixed(4)}`)
        .join(", ")}`,
    );
  }
  await writeJson(join(out, "glue", `${task}.json`), result);
  return result;
}

/** How the demo's model fills in pronouns, and how well it still predicts its own corpus. */
async function probeMaskedLm(
  config: Config,
  model: Model,
  { pruned, jit }: { pruned: Pruned | undefined; jit: Jit },
  context: Context,
) {
  const predict = maskedLm({ ...model, pruned, jit });
  // What pre-training did not see, whatever the run itself sets aside.
  const datamodule = { ...config.datamodule, validation_size: HELD_OUT };
  const asPretrained = { ...config, datamodule, seed: config.pretrain!.seed };
  const { male, female, stereotype } = await loadSentences(asPretrained, model.tokenizer, context);
  const held = [male, female, stereotype].map(({ validation }) => validation).reduce(concat);
  const gap = await pronounGap(predict, model.tokenizer, pronounProbes(), pronouns);
  const loss = await maskedLmLoss(predict, model.tokenizer, held);
  await predict.dispose();
  return { ...gap, maskedLmLoss: loss };
}

/** The model of a run, or the one it started from, and the scores that mask it. */
export async function loadRun(
  { config, out, untouched }: Subject,
  context: Context,
): Promise<{ model: Model; pruned: Pruned | undefined }> {
  const own = join(out, "model");
  const model = await loadModel(untouched || !existsSync(own) ? modelName(config) : own, context);
  const pruning = untouched ? undefined : pruningSettings(config, model.checkpoint.config);
  if (pruning === undefined) return { model, pruned: undefined };
  const layout = scoreLayout(model.checkpoint.config, pruning);
  const scores = await readScores(join(out, "scores.safetensors"), layout);
  return { model, pruned: { layout, scores, threshold: pruning.finalThreshold } };
}

const first = <E extends Awaited<ReturnType<typeof readGlue>>>(examples: E, limit: number): E => {
  const cut = Object.entries(examples).map(([key, column]) => [key, column?.slice(0, limit)] as const);
  return Object.fromEntries(cut) as E;
};

async function glueFolder(config: Config, task: GlueTask, { root, hub, fetch }: Context): Promise<string> {
  const folder = within(root, config.datamodule.glue_data);
  if (existsSync(folder)) return folder;
  if (config.datamodule.glue_data !== "nyu-mll/glue") {
    throw new UsageError(`datamodule.glue_data: expected a folder or nyu-mll/glue, got ${config.datamodule.glue_data}`);
  }
  return downloadGlue({ task, endpoint: hub.endpoint, cacheDir: within(root, config.data_dir), fetch });
}
