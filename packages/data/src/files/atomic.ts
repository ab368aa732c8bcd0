import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Writes a file so that its name never shows a part of it: temporary name, flush, rename.
 *
 * `chunks` may be one array of bytes, a text, or a stream. On failure nothing is left behind; what processes that were killed
 * left of earlier writes is removed.
 */
export async function writeAtomic(
  path: string,
  chunks: string | Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await removeLeftovers(path);
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, "wx");
    try {
      if (typeof chunks === "string" || chunks instanceof Uint8Array) await file.writeFile(chunks);
      else for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    // An error of a stream says itself what it is about.
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new Error(`${path}: cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

/** A name beside `path` that no other process takes, for what is to be renamed to it. */
export const temporaryName = (path: string): string => `${path}.${randomUUID()}.part`;

/** Removes files and folders under temporary names of `path` that nobody has written to since before this process started. */
export async function removeLeftovers(path: string): Promise<void> {
  const [folder, start] = [dirname(path), `${basename(path)}.`];
  const names = (await readdir(folder)).filter((name) => name.startsWith(start) && name.endsWith(".part"));
  for (const name of names) {
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < performance.timeOrigin) await rm(join(folder, name), { recursive: true, force: true });
  }
}
