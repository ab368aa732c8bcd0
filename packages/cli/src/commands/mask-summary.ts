import { hostMasks, type HostScores, type Layout, openHeads, undecided } from "@pruning-bias/pruning";
import { sizeOf } from "@pruning-bias/runtime";

/** What stays of a pruned model: blocks of each matrix, and each head. */
export interface MaskSummary {
  readonly threshold: number;
  readonly modules: readonly {
    readonly name: string;
    readonly layer: number;
    readonly open: number;
    readonly total: number;
    /** Of the matrix, and of its blocks below and beside each other. */
    readonly shape: readonly [number, number];
    readonly grid: readonly [number, number];
    /** A bit a block, row by row, 1 open, the highest bit of a byte first, in base64. */
    readonly mask: string;
  }[];
  /** [layer][head]: 1 open, 0 closed, 0.5 undecided (open or closed within .1 of the threshold's score). */
  readonly heads: readonly (readonly number[])[];
  readonly headsOpen: number;
  readonly headsTotal: number;
  /** Trained scores within .1 of where their mask flips. */
  readonly undecided: number;
  /** Trained scores. */
  readonly scores: number;
}

export function maskSummary(layout: Layout, scores: HostScores, threshold: number): MaskSummary {
  const masks = hostMasks(layout, scores, threshold);
  const open = openHeads(layout, masks);
  // A head is undecided where moving all scores by the margin would open or close it.
  const shifted = (by: number) =>
    openHeads(layout, hostMasks(layout, { ...scores, ...shift(layout, scores, by) }, threshold));
  const [lower, higher] = [shifted(-MARGIN), shifted(MARGIN)];
  const heads = open.map((layer, l) =>
    layer.map((isOpen, h) => (lower[l]![h] === higher[l]![h] ? Number(isOpen) : 0.5)),
  );
  const trained = layout.scores.filter((tensor) => tensor.trained);
  return {
    threshold,
    modules: layout.modules.map(({ name, layer, shape, grid }) => ({
      ...{ name, layer, open: masks[name]!.open, total: masks[name]!.total },
      ...{ shape, grid, mask: packed(masks[name]!.mask) },
    })),
    heads,
    headsOpen: open.flat().filter(Boolean).length,
    headsTotal: open.flat().length,
    undecided: undecided(layout, scores, threshold, MARGIN),
    scores: trained.reduce((count, { shape }) => count + sizeOf(shape), 0),
  };
}

const MARGIN = 0.1;

/** The score tensors alone: with the weights beside them they would be few among many. */
const shift = (layout: Layout, scores: HostScores, by: number): HostScores =>
  Object.fromEntries(
    layout.scores.flatMap(({ name }) => {
      const tensor = scores[name];
      if (tensor === undefined) return [];
      return [[name, { ...tensor, data: Float32Array.from(tensor.data, (score) => score + by) }]];
    }),
  );

function packed(mask: Uint8Array): string {
  const bytes = Buffer.alloc(Math.ceil(mask.length / 8));
  for (const [i, open] of mask.entries()) if (open !== 0) bytes[i >> 3]! |= 128 >> (i & 7);
  return bytes.toString("base64");
}
