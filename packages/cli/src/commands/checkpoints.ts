import { existsSync, readdirSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { shown } from "@pruning-bias/files";
import { DivergenceError, newestTrainingState, type TrainingState, writeTrainingState } from "@pruning-bias/training";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { writeJson } from "./files.ts";
import { readChecked, readSums, writeSums } from "./sums.ts";

/** The checkpoints of a run, in `out/checkpoints`, beside the settings that they belong to. */
export interface Checkpoints {
  write(state: TrainingState): Promise<void>;
  /** Leaves the newest alone, that of the run's end, when what it led to is written. */
  finish(): Promise<void>;
  /** Removes them all. */
  remove(): Promise<void>;
  /** The error that ended a run; of one that diverged it says which checkpoint is the last good one. */
  explained(error: unknown): unknown;
}

/** A folder of checkpoints for a run of these settings; those of an earlier run are removed. */
export async function newCheckpoints(config: Config, out: string): Promise<Checkpoints> {
  const folder = join(out, "checkpoints");
  await rm(folder, { recursive: true, force: true });
  await writeJson(join(folder, "settings.json"), config);
  await writeSums(join(folder, "settings.sha256"), ["settings.json"]);
  return checkpointsIn(folder, config);
}

/**
 * The newest whole checkpoint of an earlier run of the same settings; none where there is none.
 *
 * @throws UsageError where the settings are others, naming the first that differs
 */
export async function resumeFrom(
  config: Config,
  out: string,
  { log, root }: Pick<Context, "log" | "root">,
): Promise<{ state: TrainingState; checkpoints: Checkpoints } | undefined> {
  const folder = join(out, "checkpoints");
  const settings = join(folder, "settings.json");
  const before = existsSync(settings) ? await readSettings(folder, settings, log) : undefined;
  const newest = before === undefined ? undefined : await newestTrainingState(folder, log);
  if (before === undefined || newest === undefined) {
    log(`no checkpoint in ${relative(root, folder)}: starting from the first step`);
    return undefined;
  }
  const changed = difference(before, JSON.parse(JSON.stringify(config)) as Config);
  if (changed !== undefined) {
    throw new UsageError(
      `--resume: expected the settings of the run in ${relative(root, out)}, got another ${changed}; without --resume the run starts anew`,
    );
  }
  log(`going on from ${relative(root, newest.path)}`);
  return { state: newest.state, checkpoints: checkpointsIn(folder, config) };
}

/** The settings that checkpoints belong to; `undefined` where their file is damaged, for then they are nobody's. */
async function readSettings(folder: string, path: string, log: Context["log"]): Promise<Config | undefined> {
  try {
    return JSON.parse(await readChecked(path, await readSums(folder))) as Config;
  } catch (error) {
    log((error as Error).message);
    return undefined;
  }
}

function checkpointsIn(folder: string, { trainer }: Config): Checkpoints {
  return {
    write: async (state) => void (await writeTrainingState(folder, state, { keep: trainer.keep_checkpoints })),
    async finish() {
      for (const name of stepsIn(await readdir(folder)).slice(0, -1)) await rm(join(folder, name), { recursive: true });
    },
    remove: () => rm(folder, { recursive: true, force: true }),
    explained(error) {
      if (error instanceof DivergenceError) {
        const good = stepsIn(readdirSync(folder)).findLast((name) => stepOf(name) <= error.lastGood);
        error.message +=
          good === undefined ? "; there is no good checkpoint" : `; the last good checkpoint is ${join(folder, good)}`;
      }
      return error;
    },
  };
}

/** Names of whole checkpoints among those of a folder, the newest last. */
const stepsIn = (names: readonly string[]): string[] => names.filter((name) => /^step-\d+$/.test(name)).toSorted();
const stepOf = (name: string): number => Number(name.slice("step-".length));

// What changes how a run is kept, and not what it computes.
const kept = new Set(["trainer.checkpoint_every", "trainer.keep_checkpoints"]);

/** The first setting that differs, `model.learning_rate: 0.1 there, 0.2 here`. */
function difference(there: unknown, here: unknown, path = ""): string | undefined {
  if (kept.has(path) || JSON.stringify(there) === JSON.stringify(here)) return undefined;
  if (!isObject(there) || !isObject(here)) {
    const told = (value: unknown) => (value === undefined ? "none" : shown(value));
    return `${path === "" ? "settings" : path}: ${told(there)} there, ${told(here)} here`;
  }
  const keys = new Set([...Object.keys(there), ...Object.keys(here)]);
  for (const key of keys) {
    const found = difference(there[key], here[key], path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
