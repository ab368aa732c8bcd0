import { createCipheriv, createHash } from "node:crypto";

/** Names a draw: the same key gives the same noise on every machine and backend, and after a resume. */
export interface RandomKey {
  /** Of the run. */
  readonly seed: number;
  /** Position in the run; every call that needs noise of its own has another. */
  readonly counter: number;
}

/** Random bytes by position: AES-128 in counter mode under a key made of the seed; `counter` and `site` start the count. */
export function randomBytes({ seed, counter }: RandomKey, site: number, size: number): Uint8Array {
  const key = createHash("sha256").update(`pruning-bias ${seed}`).digest().subarray(0, 16);
  const start = Buffer.alloc(16);
  start.writeBigUInt64BE(BigInt(counter), 0);
  start.writeUInt32BE(site, 8);
  return createCipheriv("aes-128-ctr", key, start).update(Buffer.alloc(size));
}
