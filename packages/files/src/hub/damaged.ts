import { createHash } from "node:crypto";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { digestOfFile } from "../digest.ts";

/** A file of a snapshot whose content is not what its blob is named after. */
export interface DamagedFile {
  readonly file: string;
  readonly blob: string;
}

/**
 * Files of a snapshot in the hub's cache that have changed since they came in: a blob is named after its content, by SHA-256, or
 * by SHA-1 as Git names it where the hub knows the commit (`gitNames`).
 */
export async function damagedFiles(snapshot: string, { gitNames }: { gitNames: boolean }): Promise<DamagedFile[]> {
  const found: DamagedFile[] = [];
  for (const file of await readdir(snapshot, { recursive: true })) {
    const path = join(snapshot, file);
    if (!(await lstat(path)).isSymbolicLink()) continue; // a copy, which has no name to compare with
    const blob = await realpath(path).catch(() => undefined);
    const hash = blob === undefined ? undefined : await hashAsNamed(blob, gitNames);
    if (blob !== undefined && hash !== undefined && hash !== basename(blob)) found.push({ file, blob });
  }
  return found;
}

async function hashAsNamed(blob: string, gitNames: boolean): Promise<string | undefined> {
  const name = basename(blob);
  if (/^[0-9a-f]{64}$/.test(name)) return digestOfFile(blob);
  if (!gitNames || !/^[0-9a-f]{40}$/.test(name)) return undefined;
  return digestOfFile(blob, createHash("sha1").update(`blob ${(await stat(blob)).size}\0`));
}
