import { writeFile } from "node:fs/promises";
import type { Case } from "../reader.ts";

/** A case of one file. */
export async function fileCase(path: string, bytes: Uint8Array, read: () => Promise<unknown>): Promise<Case> {
  await writeFile(path, bytes);
  return { read, places: [path] };
}
