import { readFile } from "node:fs/promises";
import { reason, writeWhole } from "@pruning-bias/files";
import type { GlueTable } from "./table.ts";

/** Reads a file of tab-separated values with a header, without quotes; throws one line that names the file and line. */
export async function readTsv(path: string): Promise<GlueTable> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new Error(`${path}: expected tab-separated values, ${reason(error)}`, { cause: error });
  });
  const [header = [], ...rows] = text
    .replace(/\r?\n$/, "")
    .split(/\r?\n/)
    .map((line) => line.split("\t"));
  const where = (row: number): string => `${path}:${row + 2}`;
  for (const [i, row] of rows.entries()) {
    if (row.length !== header.length) {
      throw new Error(`${where(i)}: expected ${header.length} columns, got ${row.length}`);
    }
  }
  return {
    path,
    rows: rows.length,
    column(name) {
      const at = header.indexOf(name);
      return at < 0 ? undefined : rows.map((row) => row[at]);
    },
    where,
  };
}

/** Writes rows under a header, atomically; throws where a value has a tab or a line end. */
export async function writeTsv(
  path: string,
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): Promise<void> {
  const lines = [header, ...rows].map((row, i) => {
    const bad = row.find((value) => /[\t\r\n]/.test(String(value)));
    if (bad !== undefined) throw new Error(`${path}:${i + 1}: expected a text without tabs and line ends, got ${bad}`);
    return `${row.join("\t")}\n`;
  });
  await writeWhole(path, lines.join(""));
}
