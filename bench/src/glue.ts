import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  firstExamples,
  type GlueTask,
  type GlueTaskInfo,
  glueTasks,
  loadTokenizer,
  prepareGlue,
} from "@pruning-bias/data";
import { finetune } from "@pruning-bias/eval-glue";
import { loadCheckpoint } from "@pruning-bias/model";
import { fromNnPruning, readScores, readScoreSettings, scoreLayout } from "@pruning-bias/pruning";
import { compiler, physicalCores } from "@pruning-bias/runtime";
import type { Flags } from "./flags.ts";
import { median, peakMegabytes, round } from "./measure.ts";

/** Fine-tuning on a GLUE task with run_glue's settings, from the parquet files: the yardstick's flags and numbers. */
export async function glue(flags: Flags) {
  const { model, glue: dir, task: name } = flags;
  if (dir === undefined || name === undefined || !Object.hasOwn(glueTasks, name)) {
    throw new Error(`bench glue: expected --glue FOLDER and --task ${Object.keys(glueTasks).join(" | ")}, got less`);
  }
  const task = name as GlueTask;
  const info: GlueTaskInfo = glueTasks[task];
  const [seeds, first, epochs, batchSize] = [flags.seeds ?? 1, flags.seed, flags.epochs, flags.batch ?? 32].map(
    Number,
  ) as [number, number, number, number];
  const checkpoint = await loadCheckpoint(model);
  const tokenizer = await loadTokenizer(model, { maxLength: Number(flags["max-length"]) });
  const cacheDir = await mkdtemp(join(tmpdir(), "bench-glue-"));
  const read = (split: string) => prepareGlue({ dir, task, split, tokenizer, cacheDir });
  const train = firstExamples(await read("train"), Number(flags.limit));
  const validation = await Promise.all(info.validation.map(read));
  await rm(cacheDir, { recursive: true });
  const pruned = flags.scores === undefined ? undefined : await loadPruned(flags.scores, checkpoint.config);

  const threads = Number(flags.threads) || physicalCores();
  const [half, sideBySide] = [Math.max(1, Math.floor(threads / 2)), threads > 1];
  const runs = [];
  for (let seed = first; seed < first + seeds; seed++) {
    const [epochSeconds, stepSeconds]: [number[], number[]] = [[], []];
    const run = finetune({
      ...{ checkpoint, train, validation, pruned, seed, epochs, batchSize },
      ...{ learningRate: Number(flags.lr), order: flags.order === "length" ? "length" : "random" },
      ...{
        optimizer: { variant: "torch" },
        jit: compiler({ threads: half, ...(sideBySide && { lanes: 2 }) }),
        sideBySide,
      },
    });
    let start = performance.now();
    let [seconds, tokens] = [0, 0];
    for await (const event of run) {
      if (event.kind === "step") {
        stepSeconds.push((performance.now() - start) / 1000);
        seconds += stepSeconds.at(-1)!;
        tokens += event.tokens;
      }
      if (event.kind === "epoch") {
        epochSeconds.push(round(seconds));
        seconds = 0;
      }
      if (event.kind === "done") {
        const dev = Object.entries(event.scores).map(([split, { metrics }]) => [split, metrics]);
        const train_loss = event.history.map(({ loss }) => round(loss));
        const tokens_per_second = Math.round(tokens / epochSeconds.reduce((sum, one) => sum + one, 0));
        // Steps in which a shape is compiled are above the median.
        const median_step_seconds = round(median(stepSeconds));
        runs.push({
          ...{ seed, dev: Object.fromEntries(dev), train_loss, epoch_seconds: epochSeconds, median_step_seconds },
          tokens_per_second,
        });
      }
      start = performance.now();
    }
  }
  return {
    ...{ bench: "glue", task, model: basename(model), pruned: pruned !== undefined, train: train.length },
    ...{ batch: batchSize, lr: Number(flags.lr), epochs, order: flags.order, runs },
    median_epoch_seconds: round(median(runs.flatMap(({ epoch_seconds }) => epoch_seconds))),
    peak_rss_mb: peakMegabytes(),
  };
}

async function loadPruned(path: string, sizes: Parameters<typeof scoreLayout>[0]) {
  const settings = (await readScoreSettings(path)) ?? fromNnPruning({});
  const layout = scoreLayout(sizes, settings);
  return { layout, scores: await readScores(path, layout), threshold: settings.finalThreshold };
}
