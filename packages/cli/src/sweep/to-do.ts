import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { glueSettings } from "../config/glue-settings.ts";
import type { Config } from "../config/schema.ts";
import { type Asked, type GlueRun, type Measurement, measurements } from "./measurements.ts";
import { trainSettings } from "./task-settings.ts";

/** Tasks of a point that are still to be run. */
export interface ToDo {
  readonly train: boolean;
  readonly measured: readonly Measurement[];
}

/**
 * What is still to be run of a point, by what lies in its folder: results of these settings, each with its digest, which a task
 * writes last. A look that costs nothing; Nx, which goes by code and data too, may find more to do, or results in its cache.
 */
export function toDo(folder: string, config: Config, asked: Asked): ToDo {
  const train = !isTrained(folder, config);
  const all = measurements(config, asked);
  return { train, measured: all.filter((one) => train || !isMeasured(folder, config, one)) };
}

/** The same of the untouched model. */
export const toDoUntouched = (folder: string, config: Config, asked: Asked): ToDo => ({
  train: false,
  measured: measurements(config, asked).filter((one) => !isMeasured(folder, config, one)),
});

/** Whether the classifier that a point starts from is in its folder. */
export const isClassifierThere = (folder: string, config: Config): boolean =>
  isSealed(folder, "glue") && existsSync(join(folder, "SHA256SUMS")) && isOf(join(folder, "glue.json"), config);

function isTrained(folder: string, config: Config): boolean {
  const before = stored(join(folder, "config.json")) as Config | undefined;
  if (before === undefined || !existsSync(join(folder, "train.sha256"))) return false;
  return JSON.stringify(trainSettings(before)) === JSON.stringify(trainSettings(config));
}

function isMeasured(folder: string, config: Config, { target, glue }: Measurement): boolean {
  if (glue === undefined) return isSealed(folder, target);
  const name = `glue/${glue.name}`;
  return isSealed(folder, name) && isOf(join(folder, `${name}.json`), config, glue);
}

const isSealed = (folder: string, name: string): boolean =>
  ["json", "sha256"].every((kind) => existsSync(join(folder, `${name}.${kind}`)));

/** Whether a result of GLUE is one of these settings. */
function isOf(path: string, config: Config, run?: GlueRun): boolean {
  const { settings } = (stored(path) ?? {}) as { settings?: unknown };
  return JSON.stringify(settings) === JSON.stringify(glueSettings(config, run?.seed));
}

/** The object that a file holds; nothing where it is not there or holds something else. */
function stored(path: string): object | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
