import { existsSync } from "node:fs";
import { join } from "node:path";
import { type HubOptions, resolveSnapshot } from "@pruning-bias/files";
import { type GlueTask, glueTasks } from "./tasks.ts";

/** Which files of a GLUE task are fetched, and how the hub is reached. */
export interface DownloadGlueOptions extends HubOptions {
  /** Which of the nine. */
  readonly task: GlueTask;
  /** By default those to train and to validate on. */
  readonly splits?: readonly string[];
}

/**
 * A folder for `readGlue` with the files of a task's splits: the snapshot of `nyu-mll/glue` in the hub's cache, fetched where
 * they are missing.
 *
 * @throws what `resolveSnapshot` throws
 */
export function downloadGlue({
  task,
  splits = ["train", ...glueTasks[task].validation],
  ...options
}: DownloadGlueOptions): Promise<string> {
  const files = splits.map((split) => `${task}/${split}-00000-of-00001.parquet`);
  return resolveSnapshot(
    { kind: "dataset", id: "nyu-mll/glue" },
    {
      lacking: async (folder) => files.find((file) => !existsSync(join(folder, file))),
      async fill({ fetch, absent }) {
        for (const file of files) if (!(await fetch(file))) throw absent(file);
      },
    },
    options,
  );
}
