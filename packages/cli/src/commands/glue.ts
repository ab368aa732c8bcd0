import { join } from "node:path";
import { type Spread, spreads } from "@pruning-bias/eval-glue";
import type { GlueTask } from "@pruning-bias/data";
import type { Config } from "../config/schema.ts";
import { memoryOf } from "../sweep/memory.ts";
import type { ModelShape } from "../sweep/model-shape.ts";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { sayMemory } from "./say-memory.ts";
import { writeJson } from "./files.ts";
import { glueTask } from "./glue-data.ts";
import { type GlueResult, glueRun } from "./glue-run.ts";
import { loadModel, loadPruned, type Model, openHalves } from "./inputs.ts";

export interface GlueOptions {
  readonly config: Config;
  /** A model of the hub, or a folder: also one that `export` wrote. */
  readonly model: string;
  /** A score state dict that masks the model. */
  readonly scores?: string;
  readonly tasks: readonly string[];
  readonly seeds: readonly number[];
  /** Where results go. */
  readonly out: string;
  readonly resume?: boolean;
  readonly scoreOnly?: boolean;
  /** A folder for the classifier; for one task and seed. */
  readonly save?: string;
}

/** A task over seeds. */
export interface TaskSummary {
  readonly task: GlueTask;
  readonly seeds: readonly number[];
  readonly metrics: Readonly<Record<string, Spread>>;
  readonly majority: GlueResult["majority"];
  /** Which epoch's classifier counts. */
  readonly keep: GlueResult["keep"];
  /** The epoch that counted, of each seed. */
  readonly epochs: readonly number[];
}

export interface GlueSummary {
  readonly model: string;
  readonly tasks: readonly TaskSummary[];
  readonly failed: readonly { readonly task: string; readonly seed: number; readonly error: string }[];
}

/**
 * Fine-tunes a model on GLUE tasks, each with every seed; leaves `TASK-SEED.json` and `TASK-SEED/` of each run, and
 * `summary.json`. A run that fails does not stop the others.
 */
export async function glue(options: GlueOptions, context: Context): Promise<GlueSummary> {
  const { config, model: name, scores, seeds, out, save, resume = false, scoreOnly = false } = options;
  const tasks = options.tasks.map(glueTask);
  if (save !== undefined && tasks.length * seeds.length !== 1) {
    throw new UsageError(`--save: expected one task and one seed, got ${tasks.length} and ${seeds.length}`);
  }
  const model = await loadModel(name, context);
  const need = (shape: ModelShape) => memoryOf(config, shape, { train: false, glue: !scoreOnly });
  sayMemory(model.checkpoint.config, need, context, { smaller: "finetune.token_budget" });
  const pruned = scores === undefined ? undefined : await loadPruned(scores, model.checkpoint.config);
  if (pruned === undefined && !scoreOnly && !config.finetune.freeze_encoder) warnOfZeros(model, context);
  const halves = await openHalves(config, context);
  const results: GlueResult[] = [];
  const failed: GlueSummary["failed"][number][] = [];
  for (const task of tasks) {
    for (const seed of seeds) {
      const own = { ...config, finetune: { ...config.finetune, seed } };
      const run = { config: own, model, pruned, task, ...halves, out: join(out, `${task}-${seed}`) };
      const how = { scoreOnly, ...(save !== undefined && { save }), ...(resume && { resume: "yes" as const }) };
      try {
        const result = await glueRun({ ...run, ...how }, context);
        results.push(result);
        context.log(`${task}, seed ${seed}: ${scoresText(result)}`);
      } catch (error) {
        if (error instanceof UsageError) throw error;
        failed.push({ task, seed, error: (error as Error).message });
        context.log(`${task}, seed ${seed}: failed: ${(error as Error).message}`);
      }
    }
  }
  const summary = { model: name, tasks: tasks.flatMap((task) => summaryOf(task, results)), failed };
  await writeJson(join(out, "summary.json"), summary);
  return summary;
}

/** Closed blocks of a dense export are zeros like others, which move with the rest. */
function warnOfZeros({ checkpoint }: Model, { log }: Context): void {
  let [zeros, all] = [0, 0];
  for (const [name, { data }] of Object.entries(checkpoint.weights)) {
    if (!/^encoder\..*\.weight$/.test(name)) continue;
    for (const value of data) if (value === 0) zeros++;
    all += data.length;
  }
  if (zeros <= all * CHANCE) return;
  log(
    `${((100 * zeros) / all).toPrecision(2)} % of the encoder's weights are 0, as those of closed blocks are in a dense export: fine-tuning may open them again; with the run's base model and --scores they stay closed`,
  );
}

/** The share of weights that are 0 in a model of which nothing is closed, and more. */
const CHANCE = 1e-5;

/** A line for each task: median and spread of each metric, what the majority reaches, which epoch counts. */
export function glueText({ tasks }: GlueSummary): string {
  return tasks
    .map(({ task, seeds, metrics, majority, keep }) => {
      const all = Object.entries(metrics).map(([name, { median, deviation, min, max }]) => {
        const spread = seeds.length === 1 ? "" : ` ± ${number(deviation)} (${number(min)} to ${number(max)})`;
        return `${name} ${number(median)}${spread}, majority ${number(majority[name] ?? NaN)}`;
      });
      const over = seeds.length === 1 ? "one seed" : `median of ${seeds.length} seeds ± deviation`;
      return `${task}: ${all.join("; ")} [${over}; ${keep === "as it was" ? "not fine-tuned" : `${keep} epoch`}]`;
    })
    .join("\n");
}

function summaryOf(task: GlueTask, all: readonly GlueResult[]): TaskSummary[] {
  const runs = all.filter((result) => result.task === task);
  const [first] = runs;
  if (first === undefined) return [];
  const { majority, keep } = first;
  return [
    {
      ...{ task, seeds: runs.map(({ seed }) => seed), metrics: metricsOf(runs), majority, keep },
      epochs: runs.map(({ epoch }) => epoch),
    },
  ];
}

/** Every metric of every validation split: those of MNLI's mismatched one under its name. */
function metricsOf(runs: readonly GlueResult[]): Record<string, Spread> {
  const flat = runs.map(({ scores }) =>
    Object.fromEntries(
      Object.entries(scores).flatMap(([split, { metrics }], n) =>
        Object.entries(metrics).map(([name, value]) => [n === 0 ? name : `${name} ${split}`, value] as const),
      ),
    ),
  );
  return spreads(flat);
}

const scoresText = ({ metrics, majority, epoch, keep }: GlueResult): string =>
  `${Object.entries(metrics)
    .map(([name, value]) => `${name} ${number(value)} (majority ${number(majority[name]!)})`)
    .join(", ")}${keep === "as it was" ? "" : `, epoch ${epoch}`}`;

const number = (value: number): string => (Number.isNaN(value) ? "–" : value.toFixed(4));
