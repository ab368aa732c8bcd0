import { headsOpen, hostMasks, type Layout, undecided } from "@pruning-bias/pruning";
import type { Arrays } from "@pruning-bias/training";

/** How the gates stand under some scores at a threshold. */
export interface Gates {
  /** Open blocks of each masked module. */
  readonly openBlocks: readonly number[];
  /** All blocks of each. */
  readonly blocks: readonly number[];
  /** The sum of each module's mask: its open blocks, and less where masks lie between 0 and 1. */
  readonly maskSums: readonly number[];
  /** Trained scores within .1 of where their gate flips: scores settle *on* the threshold, so these are open by chance. */
  readonly undecided: number;
  /** Heads that add something to the output, of each layer; of each set of them where layers share theirs. */
  readonly headsOpen: readonly number[];
}

/**
 * The gates that scores make at a threshold; empty without a layout.
 *
 * @param scores all scores by name, in the shapes of the layout ([rows, columns] of blocks, [n] neurons), and the weights
 *   where masks depend on them
 * @throws what `hostMasks` throws
 */
export function gates(layout: Layout | undefined, scores: Arrays, threshold: number): Gates {
  if (layout === undefined) return { openBlocks: [], blocks: [], maskSums: [], undecided: 0, headsOpen: [] };
  const masks = hostMasks(layout, scores, threshold);
  const modules = Object.values(masks);
  return {
    openBlocks: modules.map(({ open }) => open),
    blocks: modules.map(({ total }) => total),
    maskSums: modules.map(({ values }) => {
      let sum = 0;
      for (const value of values) sum += value;
      return sum;
    }),
    undecided: undecided(layout, scores, threshold),
    headsOpen: headsOpen(layout, masks),
  };
}

/**
 * Whether two thresholds make the same masks of the same scores: gates close one after the other as it rises, so that equal
 * sums are equal masks.
 */
export const sameGates = (one: Gates, other: Gates): boolean => one.maskSums.join() === other.maskSums.join();
