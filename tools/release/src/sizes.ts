import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Tarball } from "./pack.ts";

/** What a package weighs, in kB. */
export interface Size {
  readonly name: string;
  readonly packed: number;
  readonly unpacked: number;
}

/** Sizes of tarballs and of the folders that they were unpacked to. */
export async function sizes(tarballs: readonly Tarball[], folders: ReadonlyMap<string, string>): Promise<Size[]> {
  return Promise.all(
    tarballs.map(async ({ name, file }) => ({
      name,
      packed: kilobytes((await stat(file)).size),
      unpacked: kilobytes(await bytesIn(folders.get(name)!)),
    })),
  );
}

/** Bytes of all files below a folder. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name)));
  return (await Promise.all(files)).reduce((sum, { size }) => sum + size, 0);
}

const kilobytes = (bytes: number): number => Math.round(bytes / 1000);
