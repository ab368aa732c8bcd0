import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "@pruning-bias/files";
import { digest } from "../config/compose.ts";
import { findPreset } from "../presets/index.ts";
import { UsageError } from "../usage-error.ts";
import { Sweep } from "./points.ts";

/** Where the file of a sweep is: `experiments/NAME/sweep.json` of a workspace. */
export const sweepFile = (root: string, name: string): string => join(root, "experiments", name, "sweep.json");

/**
 * Reads a sweep file.
 *
 * @throws UsageError in one line that names it and the place in it
 */
export function readSweepFile(path: string): Sweep {
  if (!existsSync(path)) throw new UsageError(`${path}: expected a sweep file, got none`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError(`${path}: expected JSON, got ${(error as Error).message}`, { cause: error });
  }
  const { data, error } = Sweep.safeParse(value);
  if (data === undefined) {
    const [issue] = error.issues;
    throw new UsageError(`${path}: ${issue!.path.join(".") || "sweep"}: ${issue!.message}`);
  }
  return data;
}

/**
 * Writes a sweep file unless it says the same already, so that Nx sees no change where there is none. @throws Error where it
 * cannot be written
 */
export async function writeSweepFile(path: string, sweep: Sweep): Promise<void> {
  const text = `${JSON.stringify({ $schema: "../sweep.schema.json", ...sweep }, null, 2)}\n`;
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  await writeWhole(path, text);
}

/**
 * The name of a sweep that has none: its experiment's, and a digest of the other settings that all its points share. The
 * grid is no part of it, so that a sweep that grows stays the same one.
 */
export function sweepName({ base, grid }: Sweep): string {
  const isExperiment = (override: string) => override.startsWith("experiment=");
  const experiment = base.findLast(isExperiment)?.slice("experiment=".length) ?? "debias";
  const others = base.filter((override) => !isExperiment(override));
  const single = findPreset(experiment) === undefined ? "unknown" : experiment;
  const name = grid["experiment"] === undefined ? single : "experiments";
  return others.length === 0 ? name : `${name}-${digest(others.toSorted())}`;
}
