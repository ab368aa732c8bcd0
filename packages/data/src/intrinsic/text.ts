import { readFile } from "node:fs/promises";
import { printable, reason } from "@pruning-bias/files";
import type { z } from "zod";

/** The text of a test set's file; `what` says in the error what the file should have been. */
export async function readTestSet(path: string, what: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new Error(`${path}: expected ${what}, ${reason(error)}`, { cause: error });
  });
  if (text.trim() === "") throw new Error(`${path}: expected ${what}, got an empty file`);
  return text;
}

/** A value as its schema has it; throws one line that names the file and the place in it. */
export function checked<T extends z.ZodType>(path: string, what: string, schema: T, value: unknown): z.infer<T> {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const [issue] = error.issues;
  throw new Error(
    `${path}: expected ${what}, at ${printable(issue?.path.join(".") || "its top")}: ${printable(issue?.message ?? "")}`,
  );
}
