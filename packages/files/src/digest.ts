import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { reason } from "./reason.ts";

/** SHA-256 of bytes, of any length, or of texts as UTF-8, one behind the other, hexadecimal. */
export function sha256(...contents: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const content of contents) {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    for (let at = 0; at < bytes.length; at += MOST_AT_ONCE) hash.update(bytes.subarray(at, at + MOST_AT_ONCE));
  }
  return hash.digest("hex");
}

/** One update of a hash takes less than 2 GiB. */
const MOST_AT_ONCE = 2 ** 30;

/** SHA-256 of a value's JSON, hexadecimal. */
export const hashJson = (value: unknown): string => sha256(JSON.stringify(value));

/**
 * SHA-256 of a file's bytes, hexadecimal.
 *
 * @param what what the file should have been
 * @throws Error `PATH: expected WHAT, …`, one line, where it cannot be read
 */
export const hashFile = (path: string, what: string): Promise<string> =>
  digestOfFile(path).catch((error: unknown) => {
    throw new Error(`${path}: expected ${what}, ${reason(error)}`, { cause: error });
  });

/**
 * The digest of a file behind what `hash` holds already, hexadecimal. The file is read a piece at a time: it may be larger than
 * what one buffer takes.
 *
 * @throws the system's error where it cannot be read
 */
export async function digestOfFile(path: string, hash: Hash = createHash("sha256")): Promise<string> {
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest("hex");
}
