import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The block of code that a README starts with, where it is TypeScript. */
export async function firstCode(folder: string): Promise<string | undefined> {
  const file = join(folder, "README.md");
  if (!existsSync(file)) return undefined;
  return /^(?:# .*\n\n)?```ts\n([\s\S]*?)\n```/.exec(await readFile(file, "utf8"))?.[1];
}
