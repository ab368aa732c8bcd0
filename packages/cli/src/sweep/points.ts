import type { GlueTask } from "@pruning-bias/data";
import { sha256 } from "@pruning-bias/files";
import { z } from "zod";
import { parseOverride, parseValue, splitValues } from "../config/overrides.ts";
import { UsageError } from "../usage-error.ts";
import { Slurm } from "./slurm.ts";

// The type alone is imported: what Nx loads for its graph starts without Arrow.
const tasks = ["cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"] as const satisfies GlueTask[];

/** Numbers and truths may stand in a file as they are. */
const value = z.union([z.string(), z.number(), z.boolean(), z.null()]).transform(String);

/** What `experiments/NAME/sweep.json` holds: settings that all points share, and the values that are tried. */
export const Sweep = z.strictObject({
  $schema: z.string().optional().describe("for editors"),
  base: z.array(z.string()).describe("overrides of all points, key=value"),
  grid: z.record(z.string(), z.array(value).min(1)).describe("values for each key; a point for every combination"),
  generated: z.literal(true).optional().describe("written for a command line, so that another one may write it again"),
  glue: z.array(z.enum(tasks)).default([]).describe("GLUE tasks on which every point is fine-tuned"),
  glueSeeds: z
    .array(z.int().nonnegative())
    .optional()
    .describe("seeds of every GLUE task, each a run of its own; without: finetune.seed"),
  where: z
    .boolean()
    .default(false)
    .describe(
      "where bias sits: SEAT with each attention head closed alone, and the fewest heads that do what a mask does",
    ),
  slurm: Slurm.partial().optional().describe("what `--launcher slurm` asks of a cluster"),
});

/** A checked sweep file. */
export type Sweep = z.infer<typeof Sweep>;

/** One run of a sweep. */
export interface Point {
  /** `embedding_layer=last,debias_mode=token`: a folder's name. */
  readonly name: string;
  /** Its settings, `key=value`. */
  readonly overrides: readonly string[];
}

/**
 * A sweep from a command line: an override with several values, set apart by commas, becomes part of the grid.
 *
 * @param glue GLUE tasks of every point; none by default
 * @throws UsageError in one line: an empty value, a key that comes twice, or a task that there is not
 */
export function parseSweep(overrides: readonly string[], glue: readonly string[] = [], where = false): Sweep {
  const base: string[] = [];
  const grid: Record<string, string[]> = {};
  for (const argument of overrides) {
    const { key, text } = parseOverride(argument);
    const values = splitValues(text);
    if (values.includes("") && values.length > 1) throw new UsageError(`${argument}: expected a value between commas`);
    if (values.length === 1) base.push(`${key}=${text}`);
    else grid[key] = [...new Set(values)];
  }
  const known = new Set(Object.keys(grid));
  const twice = base.find((override) => known.has(parseOverride(override).key));
  if (twice !== undefined) throw new UsageError(`${twice}: expected each key once, got it in the grid as well`);
  return { base, grid, glue: glue.map((name) => glueTask(name)), where, generated: true };
}

/**
 * All points of a sweep, the last key varying fastest; a sweep without a grid has one, `run`.
 *
 * @throws UsageError for too many points, or two of one name
 */
export function points({ base, grid }: Sweep): Point[] {
  const count = Object.values(grid).reduce((product, values) => product * values.length, 1);
  if (count > MOST_POINTS) throw new UsageError(`sweep: expected at most ${MOST_POINTS} points, got ${count}`);
  let found: { parts: string[]; overrides: string[] }[] = [{ parts: [], overrides: [...base] }];
  const keys = Object.keys(grid);
  for (const key of keys) {
    const short = shortName(key, keys);
    found = found.flatMap(({ parts, overrides }) =>
      grid[key]!.map((value) => ({
        parts: [...parts, `${safe(short)}=${fileName(value)}`],
        overrides: [...overrides, `${key}=${value}`],
      })),
    );
  }
  const named = found.map(({ parts, overrides }) => ({ name: shortened(parts.join(",")) || "run", overrides }));
  const names = named.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`${twice}: expected points of different names, got two of this one`);
  return named;
}

/** A task by its name; `where` names the setting in the error. */
export function glueTask(name: string, where = "--glue"): GlueTask {
  const task = tasks.find((known) => known === name);
  if (task === undefined) throw new UsageError(`${where}: expected ${tasks.join(" | ")}, got ${JSON.stringify(name)}`);
  return task;
}

// The last part of a key, or as many as tell it from the others.
function shortName(key: string, keys: readonly string[]): string {
  const parts = key.split(".");
  for (let count = 1; count <= parts.length; count++) {
    const short = parts.slice(-count).join(".");
    if (keys.filter((other) => other === short || other.endsWith(`.${short}`)).length === 1) return short;
  }
  return key;
}

const MOST_POINTS = 10_000;

const fileName = (value: string): string => safe(quotedText(value));

/** A part of a folder's name, on any system, that no shell takes for anything else. */
const safe = (text: string): string => text.replaceAll(/[^\w.+-]+/g, "_");

/** File systems end names after 255 bytes. */
const shortened = (name: string): string =>
  name.length <= 200 ? name : `${name.slice(0, 190)}-${sha256(name).slice(0, 8)}`;

const quotedText = (value: string): string => {
  const parsed = /^['"]/.test(value) ? parseValue(value) : value;
  return typeof parsed === "string" ? parsed : value;
};
