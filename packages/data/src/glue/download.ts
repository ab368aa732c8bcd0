import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Fetch, fetchFile } from "../files/download.ts";
import { type GlueTask, glueTasks } from "./tasks.ts";

export interface DownloadGlueOptions {
  readonly task: GlueTask;
  /** The hub's address, without a slash at its end. */
  readonly endpoint: string;
  readonly revision?: string;
  readonly cacheDir: string;
  readonly fetch?: Fetch | undefined;
}

/** A folder for `readGlue` with the task's training and validation files, fetched from the hub where they are missing. */
export async function downloadGlue({
  task,
  endpoint,
  revision = "main",
  cacheDir,
  fetch,
}: DownloadGlueOptions): Promise<string> {
  const dir = join(cacheDir, "glue", revision);
  for (const split of ["train", ...glueTasks[task].validation]) {
    const file = `${task}/${split}-00000-of-00001.parquet`;
    const path = join(dir, file);
    const url = `${endpoint}/datasets/nyu-mll/glue/resolve/${revision}/${file}`;
    if (!existsSync(path)) await fetchFile({ url, path, fetch });
  }
  return dir;
}
