import { randomInt } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Writes a file whole or not at all (temporary name, flush, rename), and its folder where there is none. What processes that
 * were killed left of earlier writes is removed.
 *
 * @throws Error `PATH: cannot be written: …`, one line: no space, no permission
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  // Not write-file-atomic, which takes a write that a full disk cut short for a whole one.
  const temporary = `${path}.${randomInt(2 ** 47)}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await removeLeftovers(path);
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new Error(`${path}: cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

/** Temporary files of `path`, `NAME.NUMBER`, that nobody has written to since before this process started. */
async function removeLeftovers(path: string): Promise<void> {
  const [folder, start] = [dirname(path), `${basename(path)}.`];
  const names = (await readdir(folder)).filter(
    (name) => name.startsWith(start) && /^\d+$/.test(name.slice(start.length)),
  );
  for (const name of names) {
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < performance.timeOrigin) await rm(join(folder, name), { force: true });
  }
}
