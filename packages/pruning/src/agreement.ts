import type { HostMasks } from "./host-masks.ts";

/** How far two masks over the same blocks agree. */
export interface Agreement {
  /** |open in both| / |open in either| (Jaccard 1901); 1 where both are empty. */
  readonly jaccard: number;
  /** (p_o − p_e)/(1 − p_e), agreement beyond chance (Cohen 1960); 1 where both are all open or all closed alike. */
  readonly kappa: number;
}

/**
 * Agreement of two masks over the same n blocks, [n] each, 0 where a block is closed: Jaccard's index (Jaccard 1901) and
 * Cohen's κ (Cohen 1960), both fractions.
 *
 * @throws RangeError where they are of two lengths
 */
export function maskAgreement(a: ArrayLike<number>, b: ArrayLike<number>): Agreement {
  if (a.length !== b.length)
    throw new RangeError(`maskAgreement: expected ${a.length} blocks in both, got ${b.length}`);
  return agreementOf(countPairs(a, b));
}

/** "Is it the same sub-network each time?" */
export interface RunAgreement {
  /** The mean over all pairs of runs; over all blocks, weighted by the weights in them. */
  readonly mean: Agreement;
  /** The pair of runs with the lowest Jaccard index. */
  readonly lowest: Agreement;
  /** The mean over all pairs of runs, by module. */
  readonly modules: Readonly<Record<string, Agreement>>;
}

/**
 * Agreement between the masks that runs end with, such as those of several seeds.
 *
 * @param runs two or more, of the same layout
 * @param sizes weights of each module, such as `shape[0]·shape[1]`; all modules count alike where absent
 * @throws RangeError for fewer than two runs, or other modules or blocks in one of them
 */
export function runAgreement(runs: readonly HostMasks[], sizes: Readonly<Record<string, number>> = {}): RunAgreement {
  if (runs.length < 2) throw new RangeError(`runAgreement: expected two runs or more, got ${runs.length}`);
  const names = Object.keys(runs[0]!);
  const pairs = runs.flatMap((a, index) => runs.slice(index + 1).map((b) => [a, b] as const));
  const counts = pairs.map(([a, b]) => {
    if (Object.keys(b).join() !== names.join() || Object.keys(a).join() !== names.join()) {
      throw new RangeError("runAgreement: expected the same modules in all runs");
    }
    return names.map((name) => {
      const [own, other] = [a[name]!, b[name]!];
      if (own.shape.join() !== other.shape.join()) {
        throw new RangeError(
          `runAgreement: ${name}: expected blocks [${own.shape.join()}], got [${other.shape.join()}]`,
        );
      }
      return countPairs(own.mask, other.mask);
    });
  });
  const whole = counts.map((modules) =>
    weightedAgreement(
      modules,
      names.map((name) => sizes[name] ?? 1),
    ),
  );
  const byModule = names.map((name, at) => [name, meanOf(counts.map((modules) => agreementOf(modules[at]!)))] as const);
  return {
    mean: meanOf(whole),
    lowest: whole.reduce((lowest, own) => (own.jaccard < lowest.jaccard ? own : lowest)),
    modules: Object.fromEntries(byModule),
  };
}

/** How many blocks of two masks are open in both, in one alone, in neither. */
export type PairCounts = Readonly<Record<"both" | "onlyA" | "onlyB" | "neither", number>>;

/**
 * Agreement over modules, each counting by its size, such as the number of its weights: shares of blocks, weighted, then
 * Jaccard and κ.
 *
 * @param sizes one for each module, at least 0
 * @throws RangeError for another number of sizes than of modules, a negative size or a module without blocks
 */
export function weightedAgreement(modules: readonly PairCounts[], sizes: readonly number[]): Agreement {
  if (modules.length !== sizes.length)
    throw new RangeError(
      `weightedAgreement: expected a size for each of ${modules.length} modules, got ${sizes.length}`,
    );
  const sum = { both: 0, onlyA: 0, onlyB: 0, neither: 0 };
  for (const [at, { both, onlyA, onlyB, neither }] of modules.entries()) {
    const blocks = both + onlyA + onlyB + neither;
    const size = sizes[at]!;
    if (!(blocks > 0 && size >= 0))
      throw new RangeError(
        `weightedAgreement: module ${at}: expected blocks and a size, got ${blocks} of size ${size}`,
      );
    const weight = size / blocks;
    sum.both += weight * both;
    sum.onlyA += weight * onlyA;
    sum.onlyB += weight * onlyB;
    sum.neither += weight * neither;
  }
  return agreementOf(sum);
}

/**
 * Counts blocks by what they are in two masks of eight blocks a byte, [⌈blocks/8⌉] bytes each, such as `masks.json` holds;
 * bits behind the last block are 0.
 *
 * @throws RangeError for bytes of another number
 */
export function countPackedPairs(a: Uint8Array, b: Uint8Array, blocks: number): PairCounts {
  const bytes = Math.ceil(blocks / 8);
  if (a.length !== bytes || b.length !== bytes)
    throw new RangeError(
      `countPackedPairs: expected ${bytes} bytes for ${blocks} blocks, got ${a.length} and ${b.length}`,
    );
  let [both, onlyA, onlyB] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [own, other] = [a[at]!, b[at]!];
    both += ones[own & other]!;
    onlyA += ones[own & ~other]!;
    onlyB += ones[~own & other]!;
  }
  return { both, onlyA, onlyB, neither: blocks - both - onlyA - onlyB };
}

const ones = Uint8Array.from({ length: 256 }, (_, bits) => bits.toString(2).replaceAll("0", "").length);

function countPairs(a: ArrayLike<number>, b: ArrayLike<number>): PairCounts {
  const counts = { both: 0, onlyA: 0, onlyB: 0, neither: 0 };
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== 0) counts[b[i] !== 0 ? "both" : "onlyA"]++;
    else counts[b[i] !== 0 ? "onlyB" : "neither"]++;
  }
  return counts;
}

function agreementOf({ both, onlyA, onlyB, neither }: PairCounts): Agreement {
  const total = both + onlyA + onlyB + neither;
  const either = both + onlyA + onlyB;
  const [openA, openB] = [(both + onlyA) / total, (both + onlyB) / total];
  const chance = openA * openB + (1 - openA) * (1 - openB);
  const observed = (both + neither) / total;
  return {
    jaccard: either === 0 ? 1 : both / either,
    kappa: 1 - chance < 1e-12 ? 1 : (observed - chance) / (1 - chance),
  };
}

const meanOf = (all: readonly Agreement[]): Agreement => ({
  jaccard: all.reduce((sum, { jaccard }) => sum + jaccard, 0) / all.length,
  kappa: all.reduce((sum, { kappa }) => sum + kappa, 0) / all.length,
});
