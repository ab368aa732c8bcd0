import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The blocks of TypeScript in a folder's README, in their order; none where there is no README. */
export async function codeBlocks(folder: string): Promise<string[]> {
  const file = join(folder, "README.md");
  if (!existsSync(file)) return [];
  return [...(await readFile(file, "utf8")).matchAll(/^```ts\n([\s\S]*?)\n```$/gm)].map(([, code]) => code!);
}
