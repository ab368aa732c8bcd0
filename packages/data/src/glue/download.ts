import { join } from "node:path";
import { type Fetch, fetchOnce } from "../files/download.ts";
import { type GlueTask, glueTasks } from "./tasks.ts";

/** Which files of a GLUE task are fetched, from where, and where they are kept. */
export interface DownloadGlueOptions {
  /** Which of the nine. */
  readonly task: GlueTask;
  /** By default those to train and to validate on. */
  readonly splits?: readonly string[];
  /** The hub's address, without a slash at its end. */
  readonly endpoint: string;
  /** A branch, tag or commit of the data set; `main` by default. */
  readonly revision?: string;
  /** Where the files are kept. */
  readonly cacheDir: string;
  /** What fetches URLs; the global one by default. */
  readonly fetch?: Fetch | undefined;
}

/**
 * A folder for `readGlue` with the files of a task's splits, fetched from the hub where they are missing. Throws what
 * `download` throws.
 */
export async function downloadGlue({
  task,
  splits = ["train", ...glueTasks[task].validation],
  endpoint,
  revision = "main",
  cacheDir,
  fetch,
}: DownloadGlueOptions): Promise<string> {
  const dir = join(cacheDir, "glue", revision);
  for (const split of splits) {
    const file = `${task}/${split}-00000-of-00001.parquet`;
    const path = join(dir, file);
    const url = `${endpoint}/datasets/nyu-mll/glue/resolve/${revision}/${file}`;
    await fetchOnce({ url, path, fetch });
  }
  return dir;
}
