import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a file so that its name never shows a part of it: temporary name, flush, rename.
 *
 * `chunks` may be one array of bytes, a text, or a stream. On failure nothing is left behind.
 */
export async function writeAtomic(
  path: string,
  chunks: string | Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.part`;
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
    throw error;
  }
}
