import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { reason } from "./reason.ts";

/** SHA-256 of bytes, or of a text as UTF-8, hexadecimal. */
export const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

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
