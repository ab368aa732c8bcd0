import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { reason } from "./reason.ts";

/** SHA-256 of a file's bytes, hexadecimal; `what` says in the error what the file should have been. */
export async function hashFile(path: string, what: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (error) {
    throw new Error(`${path}: expected ${what}, ${reason(error)}`, { cause: error });
  }
  return hash.digest("hex");
}

/** SHA-256 of a value's JSON, hexadecimal. */
export const hashJson = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");
