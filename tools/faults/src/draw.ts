import { createHash } from "node:crypto";

/**
 * A number from 0 up to 1 that depends on the seed and on what it is for, and on nothing drawn before: so that a single trial
 * of a campaign can be made again alone.
 */
export function draw(seed: number, ...purpose: readonly (string | number)[]): number {
  return (
    createHash("sha256")
      .update(JSON.stringify([seed, ...purpose]))
      .digest()
      .readUIntBE(0, 6) /
    2 ** 48
  );
}

/** One of several, drawn like `draw`. */
export const pick = <T>(from: readonly T[], seed: number, ...purpose: readonly (string | number)[]): T =>
  from[Math.floor(draw(seed, ...purpose) * from.length)]!;
