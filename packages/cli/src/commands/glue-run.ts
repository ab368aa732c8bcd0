import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { writeWhole } from "@pruning-bias/files";
import { type GlueTask, type GlueTokens, loadTokenizer } from "@pruning-bias/data";
import {
  type DoneEvent,
  finetune,
  predictions,
  score,
  scoreClassifier,
  type SplitScore,
  submission,
  submissionName,
} from "@pruning-bias/eval-glue";
import { type Checkpoint, maxTokens } from "@pruning-bias/model";
import type { Pruned } from "@pruning-bias/pruning";
import type { Jit, NDArray } from "@pruning-bias/runtime";
import { glueSettings } from "../config/glue-settings.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";
import { type Checkpoints, newCheckpoints, resumeFrom } from "./checkpoints.ts";
import type { Context } from "./context.ts";
import { parseSpelled, writeJson } from "./files.ts";
import { type GlueData, loadGlue } from "./glue-data.ts";
import type { Model } from "./inputs.ts";
import { saveModel } from "./save-model.ts";
import { isWhole, writeSums } from "./sums.ts";

/** A model on one task with one seed. */
export interface GlueRun {
  readonly config: Config;
  readonly model: Model;
  readonly pruned: Pruned | undefined;
  readonly task: GlueTask;
  readonly jit: Jit;
  /** Whether that has two lanes of half of the cores each. */
  readonly sideBySide: boolean;
  /** `OUT.json` gets the result; the folder `OUT` gets predictions, submissions, and checkpoints while it runs. */
  readonly out: string;
  /**
   * Keeps a result of the same settings and inputs, or goes on from a checkpoint of theirs: `if possible` starts anew where there
   * is none such.
   */
  readonly resume?: "yes" | "if possible";
  /** Scores the classifier as it is, without fine-tuning. */
  readonly scoreOnly?: boolean;
  /** A folder for the fine-tuned classifier; a finished run that is to leave one is made anew. */
  readonly save?: string;
}

/** `glue/NAME.json`: what the report reads. */
export interface GlueResult {
  readonly task: GlueTask;
  readonly seed: number;
  /** Of the first validation split: of MNLI the matched one. */
  readonly metrics: SplitScore["metrics"];
  readonly majority: SplitScore["baseline"];
  readonly scores: Readonly<Record<string, SplitScore>>;
  /** Epochs made; 0 where a classifier was scored as it was. */
  readonly epochs: number;
  /** The epoch that counts, and why. */
  readonly epoch: number;
  readonly keep: "last" | "best" | "as it was";
  readonly history: DoneEvent["history"];
  readonly seconds: number;
  /** Of the fine-tuning, and where the data came from. */
  readonly settings: ReturnType<typeof glueSettings>;
  /** A digest of model, masks and examples, and of what computed. */
  readonly inputs: string;
}

/** Fine-tunes and scores; leaves result, predictions of every split and submissions of whole test splits. */
export async function glueRun(run: GlueRun, context: Context): Promise<GlueResult> {
  const { config, model, task, out } = run;
  const started = performance.now();
  const { checkpoint, dir } = model;
  const maxLength = Math.min(config.finetune.max_length, maxTokens(checkpoint.config));
  const data = await loadGlue(config, task, await loadTokenizer(dir, { maxLength }), context);
  const inputs = inputsOf(run, data);
  const kept = run.resume !== undefined && run.save === undefined ? await finished(run, inputs) : undefined;
  if (kept !== undefined) {
    context.log(`${relative(context.root, out)}.json is there, of the same settings, model and data: kept`);
    return kept;
  }
  for (const old of [`${out}.json`, `${out}.sha256`]) await rm(old, { force: true });
  const made = run.scoreOnly === true ? await scored(run, data) : await finetuned(run, data, inputs, context);

  const splits = [...data.validation, ...data.test];
  const whole = config.finetune.limit_validation === null;
  for (const split of splits) await writePredictions(out, split, made.logits[split.split]!, whole);
  if (run.save !== undefined) await saveModel(run.save, made.checkpoint, { tokenizerFrom: dir });
  const [first] = Object.values(made.scores);
  const result: GlueResult = {
    ...{ task, seed: config.finetune.seed, metrics: first!.metrics, majority: first!.baseline, scores: made.scores },
    ...{ epochs: made.history.length, epoch: made.epoch, keep: made.keep, history: made.history },
    seconds: (performance.now() - started) / 1000,
    settings: glueSettings(config),
    inputs,
  };
  await writeJson(`${out}.json`, result);
  await made.checkpoints?.remove();
  await writeSums(`${out}.sha256`, [`${basename(out)}.json`, basename(out)]);
  return result;
}

/** The result that is there of a run, where all that it left is as it was written and it read and was to do the same. */
async function finished({ config, out }: GlueRun, inputs: string): Promise<GlueResult | undefined> {
  if (!(await isWhole(`${out}.sha256`, `${basename(out)}.json`))) return undefined;
  const found = parseSpelled(await readFile(`${out}.json`, "utf8")) as GlueResult;
  const isSame = found.inputs === inputs && JSON.stringify(found.settings) === JSON.stringify(glueSettings(config));
  return isSame ? found : undefined;
}

interface Made extends Pick<DoneEvent, "scores" | "logits" | "epoch" | "history"> {
  readonly keep: GlueResult["keep"];
  readonly checkpoint: Checkpoint;
  readonly checkpoints?: Checkpoints;
}

async function scored(
  { model: { checkpoint }, pruned, jit, sideBySide, config }: GlueRun,
  data: GlueData,
): Promise<Made> {
  const splits = [...data.validation, ...data.test];
  const tokenBudget = config.finetune.token_budget;
  const logits = await scoreClassifier({ checkpoint, splits, pruned, jit, sideBySide, tokenBudget });
  const scores = data.validation.map((split) => [
    split.split,
    score(logits[split.split]!, split, data.train.labels),
  ]) as [string, SplitScore][];
  return { scores: Object.fromEntries(scores), logits, epoch: 0, keep: "as it was", history: [], checkpoint };
}

async function finetuned(
  { config, model: { checkpoint }, pruned, task, jit, sideBySide, out, resume }: GlueRun,
  data: GlueData,
  inputs: string,
  context: Context,
): Promise<Made> {
  const { checkpoint_every } = config.trainer;
  // What a run goes on from must have read the same.
  const settings = { ...config, glue_inputs: inputs };
  const from = resume === undefined ? undefined : await resumed(settings, out, resume, context);
  const checkpoints = from?.checkpoints ?? (await newCheckpoints(settings, out));
  const run = finetune({
    ...data,
    ...finetuneSettings(config),
    checkpoint,
    pruned,
    jit,
    sideBySide,
    resume: from?.state,
  });
  let done: DoneEvent | undefined;
  try {
    for await (const event of run) {
      if (event.kind === "done") done = event;
      if (event.kind !== "step") continue;
      const { step, totalSteps, loss, epoch } = event;
      const detail = `epoch ${epoch}, loss ${loss.toFixed(4)}`;
      context.progress({ what: `${task} step`, done: step, total: totalSteps, detail });
      if (step % checkpoint_every === 0) await checkpoints.write(event.state());
    }
  } catch (error) {
    throw checkpoints.explained(error);
  }
  return { ...done!, checkpoints };
}

async function resumed(settings: Config, out: string, resume: "yes" | "if possible", context: Context) {
  try {
    return await resumeFrom(settings, out, context);
  } catch (error) {
    if (resume === "yes" || !(error instanceof UsageError)) throw error;
    return undefined;
  }
}

function finetuneSettings({ finetune: settings }: Config) {
  return {
    ...{ epochs: settings.epochs, batchSize: settings.batch_size, learningRate: settings.learning_rate },
    ...{ warmupSteps: settings.warmup_steps, weightDecay: settings.weight_decay, order: settings.order },
    maxGradientNorm: settings.max_gradient_norm ?? Infinity,
    optimizer: { variant: settings.optimizer, eps: settings.adam_eps },
    ...(settings.dropout !== null && { dropout: settings.dropout }),
    ...{ keep: settings.keep, freezeEncoder: settings.freeze_encoder, tokenBudget: settings.token_budget },
    seed: settings.seed,
  } as const;
}

/** A digest of what a run computes on, and with. */
function inputsOf({ config, model, pruned, task, scoreOnly = false }: GlueRun, data: GlueData): string {
  const { backend, threads, trainer } = config;
  const hash = createHash("sha256");
  const add = ({ buffer, byteOffset, byteLength }: NDArray["data"] | GlueTokens["inputIds" | "labels"]) =>
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  for (const array of [...Object.values(model.checkpoint.weights), ...Object.values(pruned?.scores ?? {})])
    add(array.data);
  for (const { inputIds, labels } of [data.train, ...data.validation, ...data.test]) {
    add(inputIds);
    add(labels);
  }
  const told = { sizes: model.checkpoint.config, layout: pruned?.layout, threshold: pruned?.threshold };
  const how = { task, backend, threads, precision: trainer.precision, scoreOnly };
  return hash.update(JSON.stringify([told, how])).digest("hex");
}

/** `predictions-SPLIT.tsv`, and for a whole test split the file that the benchmark takes. */
async function writePredictions(out: string, split: GlueTokens, logits: NDArray, whole: boolean): Promise<void> {
  const found = predictions(logits);
  const classes = logits.shape[1]!;
  const isTest = split.split.startsWith("test");
  const header = [
    "idx",
    ...(isTest ? [] : ["label"]),
    "prediction",
    ...Array.from({ length: classes }, (_, n) => `logit_${n}`),
  ];
  const lines = Array.from(found, (prediction, row) => {
    const own = logits.data.subarray(row * classes, (row + 1) * classes);
    return [split.idx[row], ...(isTest ? [] : [split.labels[row]]), prediction, ...own].join("\t");
  });
  await writeWhole(join(out, `predictions-${split.split}.tsv`), `${[header.join("\t"), ...lines].join("\n")}\n`);
  if (!isTest || !whole) return;
  await writeWhole(join(out, submissionName(split.task, split.split)), submission(split.task, split.idx, found));
}
