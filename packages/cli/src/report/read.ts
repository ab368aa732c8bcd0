import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { printable } from "@pruning-bias/files";
import type { z } from "zod";
import { parseJson } from "../commands/files.ts";
import { readChecked, readSums } from "../commands/sums.ts";
import { BASELINE } from "../sweep/baseline-name.ts";
import {
  type GlueAsked,
  type PointResults,
  SettledRow,
  StepRow,
  StoredBias,
  StoredConfig,
  StoredGlue,
  StoredMasks,
  StoredSummary,
  StoredWhere,
  type SweepResults,
  ValidationRow,
} from "./results.ts";

/**
 * Reads what a sweep has left in `RUNS/SWEEP/POINT/`, with the untouched model's results from the point `baseline`.
 *
 * What is not there is left out: a report says "not run" of it.
 *
 * @param asked GLUE runs of each point by its name; what else lies there, such as those of seeds that were dropped, is left
 *   out. All by default
 * @param baselines the folder of the untouched model that a point started from, by its name; `baseline` by default
 * @throws Error in one line that names the file, where it holds something else than results
 */
export async function readSweep(
  runsDir: string,
  sweep: string,
  points: readonly string[],
  asked?: ReadonlyMap<string, readonly GlueAsked[]>,
  baselines?: ReadonlyMap<string, string>,
): Promise<SweepResults> {
  const read = (name: string) => readPoint(join(runsDir, checkName(sweep)), checkName(name), asked?.get(name));
  const own = points.filter((name) => name !== BASELINE);
  const untouched = [...new Set([BASELINE, ...own.flatMap((name) => baselines?.get(name) ?? [])])];
  const [before, after] = await Promise.all([untouched, own].map((names) => Promise.all(names.map(read))));
  const all = own.map((name, index): PointResults => {
    const number = untouched.indexOf(baselines?.get(name) ?? BASELINE);
    return number === 0 ? after![index]! : { ...after![index]!, untouched: before![number]! };
  });
  return { sweep, baseline: before![0]!, points: all };
}

async function readPoint(
  sweepDir: string,
  name: string,
  asked: readonly GlueAsked[] | undefined,
): Promise<PointResults> {
  const dir = join(sweepDir, name);
  const sums = await readSums(dir);
  const [config, metrics, masks, bias, where, glue, summary] = await Promise.all([
    readJson(join(dir, "config.json"), StoredConfig, sums),
    readMetrics(join(dir, "metrics.jsonl"), sums),
    readJson(join(dir, "masks.json"), StoredMasks, sums),
    readJson(join(dir, "bias.json"), StoredBias, sums),
    readJson(join(dir, "where.json"), StoredWhere, sums),
    readGlue(join(dir, "glue"), asked),
    readJson(join(dir, "summary.json"), StoredSummary, sums),
  ]);
  return {
    name,
    ...metrics,
    glue,
    ...(config && { config }),
    ...(masks && { masks }),
    ...(bias && { bias }),
    ...(where && { where }),
    ...(summary && { summary }),
  };
}

async function readMetrics(path: string, sums: Sums): Promise<Pick<PointResults, "steps" | "validations" | "settled">> {
  const steps: StepRow[] = [];
  const validations: ValidationRow[] = [];
  let settled: SettledRow | undefined;
  const text = (await readText(path, sums)) ?? "";
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const where = `${path}: line ${index + 1}`;
    const row = parseJson(where, line);
    const kind = (row as { kind?: unknown } | null)?.kind;
    if (kind === "step") steps.push(check(where, row, StepRow));
    if (kind === "validation") validations.push(check(where, row, ValidationRow));
    if (kind === "settled") settled = check(where, row, SettledRow);
    if (typeof kind !== "string") throw new Error(`${where}: expected a row with a kind, got ${printable(line, 60)}`);
  }
  return { steps, validations, ...(settled && { settled }) };
}

/**
 * One result for each task and seed; below lie predictions, and what a run that was stopped goes on from. A run may be there
 * twice, as `TASK-SEED.json` and as earlier versions named it, `TASK.json`.
 */
async function readGlue(dir: string, asked: readonly GlueAsked[] | undefined): Promise<StoredGlue[]> {
  const names = (await ifThere(() => readdir(dir, { recursive: true }))) ?? [];
  const files = names
    .filter((name) => name.endsWith(".json") && !/[/\\](checkpoints[/\\]|task\.json$)/.test(name))
    .toSorted();
  const results = await Promise.all(
    files.map(async (name) => {
      const path = join(dir, name);
      return readJson(path, StoredGlue, await readSums(dirname(path)));
    }),
  );
  const key = ({ task, seed }: GlueAsked) => `${task}-${seed}`;
  const found = new Map<string, StoredGlue>();
  for (const result of results) {
    // `TASK-…` sorts before `TASK.…`.
    if (result !== undefined && !found.has(key(result))) found.set(key(result), result);
  }
  return asked === undefined ? [...found.values()] : asked.flatMap((run) => found.get(key(run)) ?? []);
}

async function readJson<T extends z.ZodType>(path: string, schema: T, sums: Sums): Promise<z.infer<T> | undefined> {
  const text = await readText(path, sums);
  return text === undefined ? undefined : check(path, parseJson(path, text), schema);
}

/** A file that is as its task wrote it; `undefined` where there is none. */
const readText = (path: string, sums: Sums): Promise<string | undefined> => ifThere(() => readChecked(path, sums));

/** Digests by path, of what a task has left. */
type Sums = Awaited<ReturnType<typeof readSums>>;

function check<T extends z.ZodType>(where: string, value: unknown, schema: T): z.infer<T> {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const issue = deepest(error.issues[0]!);
  const path = issue.path.map(String).join(".");
  throw new Error(
    `${where}: ${path === "" ? "" : `${printable(path)}: `}${issue.message.replace(/^Invalid input: /, "")}`,
  );
}

/** Of a union, what its first member, the usual one, expected. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  const inner = issue.code === "invalid_union" ? issue.errors[0]?.[0] : undefined;
  return inner === undefined ? issue : deepest({ ...inner, path: [...issue.path, ...inner.path] });
}

async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function checkName(name: string): string {
  if (/^\.*$|[/\\\0]/.test(name)) throw new Error(`report: expected a folder's name, got ${JSON.stringify(name)}`);
  return name;
}
