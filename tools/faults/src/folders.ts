import { cpSync, existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** The only file in a folder whose name fits. */
export function fileIn(folder: string, name: RegExp): string {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  if (found[0] === undefined) throw new Error(`${folder}: expected a file ${name}, found none`);
  return found[0];
}

/** Puts a folder back as it was kept. */
export function restore(kept: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(kept, to, { recursive: true, verbatimSymlinks: true });
}

/** Bytes of each file in a folder; none where there is no folder. */
export function sizesIn(folder: string): number[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => lstatSync(join(entry.parentPath, entry.name)).size);
}

/** What the files in a folder take on a disk, which gives room by the page, in bytes; 0 where there is none. */
export const bytesIn = (folder: string): number =>
  sizesIn(folder).reduce((sum, size) => sum + Math.ceil(size / PAGE) * PAGE, 0);

const PAGE = 4096;
