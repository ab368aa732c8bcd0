import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { readTrainingState } from "@pruning-bias/training";
import { differences, type Snapshot, snapshot } from "./snapshot.ts";

/** Nx has a list of what its cache holds, which gets a task when all of it is there: what becomes of half a one is seen at the end. */
const folders = ["runs", "experiments"];

/** Files that grow while they are written, under names that say so, or that are read with checksums in them. */
const grows = /\.(part|incomplete)(\/|$)|(^|\/)(checkpoints|events\.out\.tfevents\.|logs)|sweep\.log$/;

/**
 * What a process that was killed has left under the names of whole files and is not whole: files that differ from those that
 * an undisturbed run leaves, and training states that cannot be read.
 */
export async function unfinished(root: string, expected: Snapshot): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const there = snapshot(join(root, folder));
    const whole = Object.fromEntries(
      Object.entries(there).filter(([name]) => !grows.test(name) && expected[`${folder}/${name}`] !== undefined),
    );
    const same = Object.fromEntries(Object.keys(whole).map((name) => [name, expected[`${folder}/${name}`]!]));
    found.push(...differences(same, whole).map((text) => `after the kill, ${folder}/${text}`));
  }
  for (const state of await trainingStates(join(root, "runs"))) {
    await readTrainingState(state).catch((error: Error) => found.push(`after the kill, ${error.message}`));
  }
  return found;
}

async function trainingStates(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(
      (entry) => entry.isDirectory() && /^step-\d+$/.test(entry.name) && basename(entry.parentPath) === "checkpoints",
    )
    .map((entry) => join(entry.parentPath, entry.name));
}
