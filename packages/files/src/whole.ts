import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What a file gets: a text, bytes, or bytes piece by piece. */
export type Content = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a file whole or not at all (temporary name, flush, rename), and its folder where there is none. What processes that
 * were killed left of earlier writes is removed.
 *
 * @throws Error `PATH: cannot be written: …`, one line: no space, no permission; what a stream of pieces throws, as it is
 */
export async function writeWhole(path: string, content: Content): Promise<void> {
  // Not write-file-atomic, which takes a write that a full disk cut short for a whole one.
  const temporary = temporaryName(path);
  try {
    await makeFolder(dirname(path));
    await removeLeftovers(path);
    await writeFlushed(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    // An error of a stream says itself what it is about.
    if (!isWhole(content) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new Error(`${path}: cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Makes a folder, and those that it lies in, where they are not there.
 *
 * @throws the system's error, such as that the disk can only be read: asked for all at once, Node says of that that there is no
 *   such folder
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch {
    let first = path;
    while (!existsSync(dirname(first)) && dirname(first) !== first) first = dirname(first);
    if (!existsSync(first)) await mkdir(first);
    await mkdir(path, { recursive: true });
  }
}

/** A name beside `path` that no other process takes, for what is to be renamed to it. */
export const temporaryName = (path: string): string => `${path}.${randomUUID()}.part`;

/** Removes files and folders under temporary names of `path` that nobody has written to since before this process started. */
export async function removeLeftovers(path: string): Promise<void> {
  const [folder, start] = [dirname(path), `${basename(path)}.`];
  const names = (await readdir(folder)).filter(
    (name) => name.startsWith(start) && /^[0-9a-f-]{36}\.part$/.test(name.slice(start.length)),
  );
  for (const name of names) {
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < performance.timeOrigin) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Writes a file that is not there yet and waits until it is on the disk, for a folder that gets its name when it is whole.
 *
 * @throws the system's error, also where the file is there
 */
export async function writeFlushed(path: string, content: Content): Promise<void> {
  const file = await open(path, "wx");
  try {
    if (isWhole(content)) await file.writeFile(content);
    else for await (const piece of content) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

const isWhole = (content: Content): content is string | Uint8Array =>
  typeof content === "string" || content instanceof Uint8Array;
