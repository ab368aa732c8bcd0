import type { NDArray } from "@pruning-bias/runtime";
import { initial, type Layout, type ScoreTensor } from "./layout.ts";
import { hostBinarise, methods } from "./methods.ts";

/** The mask of a module: 1 where a block is open. */
export interface HostMask {
  /** Blocks below and beside each other. */
  readonly shape: readonly [rows: number, columns: number];
  /** Row by row. */
  readonly mask: Uint8Array;
  /** Blocks that are open, of `total`. All blocks are of one size, so `open / total` is the share of weights too. */
  readonly open: number;
  readonly total: number;
}

export type HostMasks = Readonly<Record<string, HostMask>>;

/** Score tensors by name; those that are not trained may be left out. */
export type HostScores = Readonly<Record<string, NDArray>>;

/** The masks of all modules, by module. */
export function hostMasks(layout: Layout, scores: HostScores, threshold: number): HostMasks {
  const masks = new Map(
    layout.scores.map((tensor) => [
      tensor.name,
      hostBinarise(scoresOf(tensor, scores), threshold, tensor).data as Uint8Array,
    ]),
  );
  return Object.fromEntries(
    layout.modules.map(({ name, grid, scores: of }) => {
      const mask = masks.get(of)!;
      return [name, { shape: grid, mask, open: mask.reduce((sum, bit) => sum + bit, 0), total: mask.length }];
    }),
  );
}

/**
 * How many trained scores lie within `margin` of where their mask flips. Scores settle *on* the threshold, so how many
 * are undecided says more of a run than which of them were open last.
 */
export function undecided(layout: Layout, scores: HostScores, threshold: number, margin = 0.1): number {
  let count = 0;
  for (const tensor of layout.scores.filter(({ trained }) => trained)) {
    const values = scoresOf(tensor, scores).data as Float32Array;
    const cutoff = methods[tensor.method].cutoff(values, threshold);
    for (const score of values) if (Math.abs(score - cutoff) < margin) count++;
  }
  return count;
}

function scoresOf(tensor: ScoreTensor, scores: HostScores): NDArray {
  const found = scores[tensor.name] ?? (tensor.trained ? undefined : initial(tensor));
  if (found === undefined) throw new Error(`scores: expected ${tensor.name}, got none of that name`);
  if (found.shape.join() !== tensor.shape.join()) {
    throw new RangeError(
      `scores: ${tensor.name}: expected shape [${tensor.shape.join()}], got [${found.shape.join()}]`,
    );
  }
  return found;
}
