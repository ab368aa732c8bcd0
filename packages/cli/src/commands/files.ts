import { readFile } from "node:fs/promises";
import { printable, writeWhole } from "@pruning-bias/files";

export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeWhole(path, `${JSON.stringify(value, spelled, 2)}\n`);

/** Reads JSON; throws one line that names the file where it holds something else, or lists within lists without end. */
export async function readJson(path: string, read = () => readFile(path, "utf8")): Promise<unknown> {
  const text = await read().catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
    throw new Error(`${path}: expected JSON, got ${error.code === "ENOENT" ? "no such file" : error.code}`);
  });
  return parseJson(path, text);
}

/** The value of a JSON text; `where` names its place in errors. */
export function parseJson(where: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${where}: expected JSON, got ${text.trim() === "" ? "nothing" : cut(text)}`, { cause: error });
  }
  // Whoever walks a tree calls itself for each level.
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) throw new Error(`${where}: expected at most ${DEEPEST} levels of JSON, got more`);
    level = level.flatMap((node) => (typeof node === "object" && node !== null ? Object.values(node) : []));
  }
  return value;
}

const DEEPEST = 100;

/** The end tells a file that was cut short from one that is something else. */
function cut(text: string): string {
  const line = printable(text.replaceAll(/\s+/g, " ").trim(), Infinity);
  return line.length <= 60 ? line : `${line.slice(0, 28)} … ${line.slice(-28)}`;
}

/** One value as a line; NaN and infinities, which JSON has not, as texts. */
export const jsonLine = (value: unknown): string => JSON.stringify(value, spelled);

/** A value as `writeJson` and `jsonLine` spell it. */
export const parseSpelled = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) => (isSpelled.has(value) ? Number(value) : value)) as unknown;

const isSpelled: ReadonlySet<unknown> = new Set(["NaN", "Infinity", "-Infinity"]);

const spelled = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
