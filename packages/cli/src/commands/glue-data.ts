import { existsSync } from "node:fs";
import {
  downloadGlue,
  firstExamples,
  type GlueTask,
  type GlueTaskInfo,
  glueTasks,
  type GlueTokens,
  prepareGlue,
  type Tokenizer,
} from "@pruning-bias/data";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { hubOptions, within } from "./inputs.ts";

/** The splits of a task as token ids. */
export interface GlueData {
  readonly train: GlueTokens;
  readonly validation: readonly GlueTokens[];
  readonly test: readonly GlueTokens[];
}

/** A name as one of the nine tasks. */
export function glueTask(name: string): GlueTask {
  if (Object.hasOwn(glueTasks, name)) return name as GlueTask;
  throw new UsageError(`glue: expected one of ${Object.keys(glueTasks).join(", ")}, got ${JSON.stringify(name)}`);
}

/** The splits of a task, from the cache where they are there; test splits where `finetune.predict_test` asks for them. */
export async function loadGlue(
  config: Config,
  task: GlueTask,
  tokenizer: Tokenizer,
  context: Context,
): Promise<GlueData> {
  const { root, log } = context;
  const info: GlueTaskInfo = glueTasks[task];
  const { glue_data: place } = config.datamodule;
  const { predict_test, limit_train, limit_validation } = config.finetune;
  const test = predict_test ? Object.keys(info.test) : [];
  const cacheDir = within(root, config.data_dir);
  let dir = within(root, place);
  if (!existsSync(dir)) {
    if (place !== "nyu-mll/glue") {
      throw new UsageError(`datamodule.glue_data: expected a folder or nyu-mll/glue, got ${place}`);
    }
    const splits = ["train", ...info.validation, ...test];
    dir = await downloadGlue({ task, splits, ...hubOptions(place, context) });
  }
  const onDamaged = (problem: string) => log(`${problem}: making it again`);
  const read = async (split: string, limit: number | null) =>
    firstExamples(await prepareGlue({ dir, task, split, tokenizer, cacheDir, onDamaged }), limit ?? Infinity);
  const some = (split: string) => read(split, limit_validation);
  return {
    train: await read("train", limit_train),
    validation: await Promise.all(info.validation.map(some)),
    test: await Promise.all(test.map(some)),
  };
}
