import { existsSync } from "node:fs";
import { join } from "node:path";
import { printable } from "@pruning-bias/files";
import { readParquet } from "./parquet.ts";
import type { GlueTable } from "./table.ts";
import { type GlueTask, type GlueTaskInfo, glueTasks } from "./tasks.ts";
import { isTestSplit, scoreRange } from "./tokens.ts";
import { readTsv } from "./tsv.ts";

/** Examples of a task's split, in the file's order. */
export interface GlueExamples {
  /** The first, or only, text of each example. */
  readonly first: string[];
  /** The second text of each example, where the task has two. */
  readonly second?: string[];
  /** [N]: classes, or scores where the task is a regression; −1 throughout a test split. */
  readonly labels: Int32Array | Float64Array;
  /** [N]: the examples' own numbers. */
  readonly idx: Int32Array;
}

/**
 * Reads `TASK/SPLIT-00000-of-00001.parquet`, or `TASK/SPLIT.tsv` (a header with the task's columns, `label` and
 * `idx`), in a folder. Throws one line that names the file, and the row where a label is none of the task's.
 */
export async function readGlue(dir: string, task: GlueTask, split: string): Promise<GlueExamples> {
  const info: GlueTaskInfo = glueTasks[task];
  const path = splitFile(dir, task, split);
  const table = await (path.endsWith(".tsv") ? readTsv(path) : readParquet(path));
  const texts = info.columns.map((name) => strings(table, name));
  const labels = numbers(table, "label", labelCheck(info, split));
  const idx = table.column("idx") === undefined ? undefined : numbers(table, "idx", integer);
  return {
    first: texts[0]!,
    ...(texts[1] !== undefined && { second: texts[1] }),
    labels: info.labels === 1 ? labels : Int32Array.from(labels),
    idx: idx === undefined ? Int32Array.from({ length: table.rows }, (_, i) => i) : Int32Array.from(idx),
  };
}

/** The file of a task's split; throws where there is neither form of it. */
export function splitFile(dir: string, task: GlueTask, split: string): string {
  const names = [`${split}-00000-of-00001.parquet`, `${split}.tsv`];
  const found = names.map((name) => join(dir, task, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${join(dir, task)}: expected ${names.join(" or ")}, found neither`);
  return found;
}

function values(table: GlueTable, name: string): readonly unknown[] {
  const column = table.column(name);
  if (column === undefined) throw new Error(`${table.path}: expected a column ${name}, found none`);
  return column;
}

function strings(table: GlueTable, name: string): string[] {
  return values(table, name).map((value, row) => {
    if (typeof value !== "string")
      throw new Error(`${table.where(row)}: expected text in ${name}, got ${printable(String(value))}`);
    return value;
  });
}

interface Check {
  readonly expected: string;
  readonly holds: (value: number) => boolean;
}

const integer: Check = { expected: "an integer", holds: Number.isInteger };

function labelCheck({ labels }: GlueTaskInfo, split: string): Check {
  const [first, last] = labels === 1 ? scoreRange : [0, labels - 1];
  const least = isTestSplit(split) ? -1 : first;
  const right = labels === 1 ? Number.isFinite : Number.isInteger;
  return {
    expected: `${labels === 1 ? "a number" : "an integer"} from ${least} to ${last}`,
    holds: (value) => right(value) && value >= least && value <= last,
  };
}

function numbers(table: GlueTable, name: string, { expected, holds }: Check): Float64Array {
  return Float64Array.from(values(table, name), (value, row) => {
    const number = typeof value === "string" && value.trim() === "" ? Number.NaN : Number(value);
    if (value === null || !holds(number)) {
      throw new Error(`${table.where(row)}: expected ${expected} in ${name}, got ${printable(String(value))}`);
    }
    return number;
  });
}
