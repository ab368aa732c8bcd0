import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { reportSweep } from "./report.ts";

export interface WatchOptions {
  readonly root: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
  /** Seconds between two looks. */
  readonly every?: number;
}

/** Draws a sweep's report again whenever a task has left results, and tells where the points stand that run, until it is stopped. */
export async function watchReport(name: string, { root, log, signal, every = 5 }: WatchOptions): Promise<void> {
  const folder = join(root, "runs", name);
  let before: string | undefined;
  let said = "";
  while (!signal.aborted) {
    const files = await resultsIn(folder);
    const now = files
      .filter(({ path }) => !path.endsWith(".part"))
      .map(({ path, modified }) => `${path} ${modified}`)
      .join("\n");
    if (now !== before) log(`report: ${await reportSweep(root, name)}`);
    before = now;
    const lines = await Promise.all(
      files.filter(({ path }) => path.endsWith(".part")).map(({ path }) => standing(folder, path)),
    );
    const text = lines.filter((line) => line !== undefined).join("\n");
    if (text !== said && text !== "") log(text);
    said = text;
    await sleep(every * 1000, undefined, { signal }).catch(() => {});
  }
}

const results = /(^|[/\\])(config|summary|masks|bias|where)\.json$|glue[/\\][^/\\]+\.json$|metrics\.jsonl(\.part)?$/;

async function resultsIn(folder: string): Promise<{ path: string; modified: number }[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const found = await Promise.all(
    names
      .filter((path) => results.test(path))
      .map(async (path) => {
        const entry = await stat(join(folder, path)).catch(() => undefined);
        return entry === undefined ? [] : [{ path, modified: entry.mtimeMs }];
      }),
  );
  return found.flat().toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** `POINT  step 35/120  loss 0.431`, from the last whole row of metrics that still grow. */
export async function standing(folder: string, path: string): Promise<string | undefined> {
  const text = await readFile(join(folder, path), "utf8").catch(() => "");
  const line = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .findLast((row) => row.startsWith('{"kind":"step"'));
  if (line === undefined) return undefined;
  const { data: row } = Growing.safeParse(parsed(line));
  if (row === undefined) return undefined;
  const { step, totalSteps, loss } = row;
  const point = path.replace(/[/\\][^/\\]*$/, "");
  return `${point}  step ${step}/${totalSteps}  loss ${typeof loss === "number" ? loss.toPrecision(4) : loss}`;
}

/** Losses that are no number are stored by name. */
const Growing = z.object({
  step: z.int(),
  totalSteps: z.int(),
  loss: z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]),
});

/** What a row that somebody is writing holds so far; nothing where it is no JSON. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
