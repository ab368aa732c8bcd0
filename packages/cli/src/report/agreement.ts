import type { PointResults } from "./results.ts";

/** How far two points keep the same blocks. */
export interface Agreement {
  /** Blocks open in both, of those open in either. */
  readonly jaccard: number;
  /** Cohen's κ: agreement beyond what as many open blocks would give by chance; NaN where chance explains all. */
  readonly kappa: number;
}

/** Agreement of two points' masks over all blocks; `undefined` where they are not over the same blocks. */
export function agreement(a: PointResults, b: PointResults): Agreement | undefined {
  const [own, other] = [a.masks?.modules ?? [], b.masks?.modules ?? []];
  if (own.length === 0 || own.length !== other.length) return undefined;
  let [both, onlyA, onlyB, blocks] = [0, 0, 0, 0];
  for (const [i, module] of own.entries()) {
    const twin = other[i]!;
    if (module.name !== twin.name || module.grid?.join() !== twin.grid?.join()) return undefined;
    if (module.mask === undefined || twin.mask === undefined) return undefined;
    const [x, y] = [Buffer.from(module.mask, "base64"), Buffer.from(twin.mask, "base64")];
    for (const [byte, bits] of x.entries()) {
      both += ones[bits & y[byte]!]!;
      onlyA += ones[bits & ~y[byte]! & 255]!;
      onlyB += ones[~bits & y[byte]! & 255]!;
    }
    blocks += module.total;
  }
  const observed = (blocks - onlyA - onlyB) / blocks;
  const [openA, openB] = [(both + onlyA) / blocks, (both + onlyB) / blocks];
  const chance = openA * openB + (1 - openA) * (1 - openB);
  const either = both + onlyA + onlyB;
  return { jaccard: either === 0 ? 1 : both / either, kappa: chance === 1 ? NaN : (observed - chance) / (1 - chance) };
}

const ones = Array.from({ length: 256 }, (_, bits) => bits.toString(2).replaceAll("0", "").length);
