import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { digest } from "../config/compose.ts";
import { writeJson } from "./files.ts";

/** What Nx says of the task that it runs. */
export interface TaskIdentity {
  /** A digest of the code. */
  readonly code: string;
  /** The resolved settings. */
  readonly settings: string;
  /** The file with digests of what it reads. */
  readonly inputs?: string;
}

/**
 * Whether a task of Nx that was stopped in this folder was the same one, of the same code, settings and data, so that its
 * checkpoints can be gone on from; notes in `task.json` which one it is now.
 */
export async function isSameTask(out: string, { code, settings, inputs }: TaskIdentity): Promise<boolean> {
  const text = (path: string) => readFile(path, "utf8").catch(() => "");
  const identity = digest([code, settings, inputs === undefined ? "" : await text(inputs)]);
  const path = join(out, "task.json");
  const before = await text(path);
  if (before === `${JSON.stringify({ identity }, null, 2)}\n`) return true;
  await writeJson(path, { identity });
  return false;
}
