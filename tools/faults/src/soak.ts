import { readdirSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { compose, writeReport } from "@pruning-bias/cli";
import type { Context } from "../../../packages/cli/src/commands/context.ts";
import { exportModel } from "../../../packages/cli/src/commands/export.ts";
import { runBias } from "../../../packages/cli/src/commands/run-bias.ts";
import { runGlue } from "../../../packages/cli/src/commands/run-glue.ts";
import { train } from "../../../packages/cli/src/commands/train.ts";
import type { CampaignOptions } from "./campaign-options.ts";
import type { Outcome } from "./record.ts";
import { withSettings, workplace, type Workplace } from "./workplace.ts";

export interface SoakOptions extends Omit<CampaignOptions, "only"> {
  readonly points: number;
}

/** Memory and open files after a point. */
interface Level {
  readonly megabytes: number;
  readonly files: number;
}

/** Megabytes that the last quarter's median may be above the second's: a leak of 4 MB a point shows in 20. */
const ALLOWED = 40;

/**
 * Many short points in one process, each prepared, trained with checkpoints and event files, measured, fine-tuned on a GLUE task,
 * exported and reported in a folder of its own: what it takes must not grow. Compared are the medians of the second quarter of
 * the points and of the last.
 *
 * @throws Error where Node cannot be asked to collect what is no longer used
 */
export async function soakCampaign({ out, points, seed, log }: SoakOptions): Promise<Outcome[]> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("expected node --expose-gc, got Node without it");
  const place = await workplace(out);
  const levels: Level[] = [];
  for (let n = 0; n < points; n++) {
    await point(place, seed + n, n);
    // What is native goes when the loop turns, after what held it was collected.
    for (let turns = 0; turns < 3; turns++) {
      gc();
      await turn();
    }
    levels.push(level());
    if ((n + 1) % Math.ceil(points / 10) === 0) log(`${n + 1} points: ${told(levels.at(-1)!)}`);
  }
  const quarter = Math.max(1, Math.floor(points / 4));
  const [early, late] = [median(levels.slice(quarter, 2 * quarter)), median(levels.slice(-quarter))];
  const problems = [
    ...(late.megabytes > early.megabytes + ALLOWED ? [`memory grew: ${told(early)}, then ${told(late)}`] : []),
    ...(late.files > early.files ? [`open files grew: ${told(early)}, then ${told(late)}`] : []),
  ];
  return [{ trial: `${points} points`, faults: points, problems, note: `${told(early)}, then ${told(late)}` }];
}

/** Each kind of point in turn: weights that stay and that are trained, blocks and heads. */
const experiments = ["debias_block_pruning_unfrozen", "debias_block_pruning_frozen", "debias_head_pruning_frozen"];

async function point(place: Workplace, seed: number, n: number): Promise<void> {
  const runs = join(place.root, "runs");
  const out = join(runs, "soak", `seed=${seed}`);
  const experiment = experiments[n % experiments.length]!;
  const changes = {
    ...{ experiment, seed: String(seed), data_dir: "runs/soak/data", "trainer.max_epochs": "1" },
    ...{ "trainer.limit_train_batches": "2", "trainer.checkpoint_every": "1", "finetune.limit_train": "16" },
  };
  const heads = experiment.includes("head");
  const kept = heads ? place.overrides.filter((word) => !word.startsWith("prune_block_size=")) : place.overrides;
  const { config } = compose(withSettings(kept, changes));
  const context: Context = {
    ...{ root: place.root, log: () => {}, progress: () => {}, machine: { native: [] }, fetch: globalThis.fetch },
    hub: { endpoint: "http://127.0.0.1:1", cacheDir: join(runs, "hub"), offline: true },
  };
  const subject = { config, out, untouched: false };
  await mkdir(out, { recursive: true });
  await train(config, out, context);
  // Goes on from its last checkpoint, which is read for it.
  await train(config, out, context, { resume: true });
  await runBias(subject, context);
  await runGlue(subject, { task: "cola", name: "cola-42" }, context);
  await exportModel({ model: out, to: join(runs, "soak/export"), onnx: true, form: "compact" }, context);
  await writeReport(runs, "soak", [`seed=${seed}`]);
  await rm(join(runs, "soak"), { recursive: true });
}

function level(): Level {
  const { rss } = process.memoryUsage();
  return { megabytes: rss / 1e6, files: readdirSync("/proc/self/fd").length };
}

function median(levels: readonly Level[]): Level {
  const middle = (of: (level: Level) => number) => levels.map(of).toSorted((a, b) => a - b)[levels.length >> 1]!;
  return { megabytes: middle(({ megabytes }) => megabytes), files: middle(({ files }) => files) };
}

const told = ({ megabytes, files }: Level): string => `${Math.round(megabytes)} MB, ${files} open files`;
