import { createHash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Random draws that are the same for the same names on every machine. */
export interface Draws {
  /** In [0, 1). */
  uniform(): number;
  /** An integer in [0, bound). */
  int(bound: number): number;
  /** One of the items. */
  pick<T>(items: readonly T[]): T;
  /** The numbers below `length` in random order (Fisher and Yates). */
  permutation(length: number): Int32Array;
}

/** Draws for a purpose, named by texts and numbers: `draws("split", seed, "male")`. Other names, other draws. */
export function draws(...names: readonly (string | number)[]): Draws {
  const bits = xoroshiro128plus(createHash("sha256").update(JSON.stringify(names)).digest().readInt32LE());
  const int = (bound: number): number => uniformInt(bits, 0, bound - 1);
  return {
    uniform: () => uniformFloat64(bits),
    int,
    pick: (items) => items[int(items.length)]!,
    permutation(length) {
      const order = Int32Array.from({ length }, (_, i) => i);
      for (let i = length - 1; i > 0; i--) {
        const j = int(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      return order;
    },
  };
}
