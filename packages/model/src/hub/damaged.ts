import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";

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
  for (const file of await readdir(snapshot)) {
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
  if (/^[0-9a-f]{64}$/.test(name)) return hashOf(blob, createHash("sha256"));
  if (!gitNames || !/^[0-9a-f]{40}$/.test(name)) return undefined;
  return hashOf(blob, createHash("sha1").update(`blob ${(await stat(blob)).size}\0`));
}

/** The digest of a file behind what `hash` holds already, hexadecimal. */
export async function hashOf(path: string, hash: ReturnType<typeof createHash>): Promise<string> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}
