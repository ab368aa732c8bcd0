import { existsSync } from "node:fs";
import { join } from "node:path";
import { concat, pronounProbes, pronouns } from "@pruning-bias/data";
import { type Projection, readProjection, withProjectedHead } from "@pruning-bias/debias";
import { maskedLm, maskedLmLoss, pronounGap } from "@pruning-bias/eval-bias";
import { type Pruned, readScores, scoreLayout } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import { reportedResult } from "../bias/measure.ts";
import { isProjection } from "../config/alternative.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { writeJson } from "./files.ts";
import { PROJECTION } from "./find-projection.ts";
import { glueTask } from "./glue-data.ts";
import { glueRun } from "./glue-run.ts";
import { HELD_OUT } from "./pretrain.ts";
import { loadModel, loadSentences, type Model, modelName, openHalves, openJit, pruningSettings } from "./inputs.ts";
import { seatOf } from "./seat.ts";
import { writeSums } from "./sums.ts";

/** What is measured: the model that a run in `out` left, or the one it started from. */
export interface Subject {
  readonly config: Config;
  readonly out: string;
  readonly untouched: boolean;
}

/** Bias tests of one point; leaves `bias.json`. */
export async function runBias(subject: Subject, context: Context): Promise<unknown> {
  const { config, out } = subject;
  const { model, pruned, projection } = await loadRun(subject, context);
  const protocol = "cls";
  const jit = await openJit(config, context);
  const results = await seatOf({ model, pruned, projection, protocol, jit }, config, context);
  for (const { test, effectSize, p } of results) context.log(`${test}: effect ${effectSize.toFixed(3)}, p ${p ?? "–"}`);
  // The demo's model can be asked for pronouns, since its vocabulary and probes are known.
  const probe = config.pretrain === null ? {} : { probe: await probeMaskedLm(config, model, { pruned, jit }, context) };
  const tests = results.map(reportedResult);
  const result = { protocol, ...(pruned && { threshold: pruned.threshold }), tests, ...probe };
  await writeJson(join(out, "bias.json"), result);
  await writeSums(join(out, "bias.sha256"), ["bias.json"]);
  return result;
}

export interface GlueTarget {
  readonly task: string;
  /** Of its files, `glue/NAME.json`: the task, with the seed where several are run. */
  readonly name?: string;
  /** Scores the point's classifier as it is. */
  readonly scoreOnly?: boolean;
  /** Goes on from the checkpoints of a run that was stopped. */
  readonly resume?: boolean;
}

/** Fine-tunes one point on a GLUE task, its masks fixed; leaves `glue/NAME.json` and predictions in `glue/NAME/`. */
export async function runGlue(subject: Subject, target: GlueTarget, context: Context): Promise<unknown> {
  const { config, out } = subject;
  const task = glueTask(target.task);
  const { name = task, scoreOnly = false, resume = false } = target;
  const { model, pruned, projection } = await loadRun(subject, context);
  if (projection !== undefined) {
    throw new UsageError(
      `glue: expected a run that leaves a model, got ${config.alternative!.method}, whose projection of the output fine-tuning would not keep`,
    );
  }
  const halves = await openHalves(config, context);
  const run = { config, model, pruned, task, ...halves, scoreOnly, out: join(out, "glue", name) };
  const result = await glueRun({ ...run, ...(resume && { resume: "if possible" }) }, context);
  const shown = Object.entries(result.metrics).map(([metric, value]) => `${metric} ${value.toFixed(4)}`);
  context.log(`${name}: ${shown.join(", ")}`);
  return result;
}

/** Fine-tunes the classifier whose encoder is to be debiased: a model folder, with its score in `glue.json`. */
export async function runClassifier(
  config: Config,
  out: string,
  context: Context,
  { resume = false }: { resume?: boolean } = {},
): Promise<unknown> {
  const [task, model] = [glueTask(config.glue), await loadModel(config.model.model_name, context)];
  const halves = await openHalves(config, context);
  const run = { config, model, pruned: undefined, task, ...halves, out: join(out, "glue"), save: out };
  return glueRun({ ...run, ...(resume && { resume: "if possible" }) }, context);
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

/**
 * The model of a run, or the one it started from, and the scores that mask it, or the projection of its last hidden state:
 * that one stands in its masked-language-model head already.
 */
export async function loadRun(
  { config, out, untouched }: Subject,
  context: Context,
): Promise<{ model: Model; pruned: Pruned | undefined; projection?: Projection }> {
  const own = join(out, "model");
  const model = await loadModel(untouched || !existsSync(own) ? modelName(config) : own, context);
  if (!untouched && isProjection(config)) {
    const { checkpoint } = model;
    const projection = await readProjection(join(out, PROJECTION), checkpoint.config.hidden_size);
    const hasHead = checkpoint.weights["cls.predictions.bias"] !== undefined;
    const own = hasHead ? { ...model, checkpoint: withProjectedHead(checkpoint, projection) } : model;
    return { model: own, pruned: undefined, projection };
  }
  const pruning = untouched ? undefined : pruningSettings(config, model.checkpoint.config);
  if (pruning === undefined) return { model, pruned: undefined };
  const layout = scoreLayout(model.checkpoint.config, pruning);
  const scores = await readScores(join(out, "scores.safetensors"), layout);
  return { model, pruned: { layout, scores, threshold: pruning.finalThreshold } };
}
