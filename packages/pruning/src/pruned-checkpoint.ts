import type { Checkpoint } from "@pruning-bias/model";
import { type NDArray, sizeOf } from "@pruning-bias/runtime";
import { type CompactedLayer, compactCheckpoint } from "./compact.ts";
import { denseWeights } from "./dense.ts";
import type { Pruned } from "./encode-masked.ts";
import { headsOpen, openHeads } from "./heads.ts";
import { type HostMasks, hostMasks } from "./host-masks.ts";
import type { Layout } from "./layout.ts";

/** `dense`: masks multiplied in, for anything that loads the model. `compact`: what does nothing is gone besides. */
export type PrunedForm = "dense" | "compact";

/** What is left of a model, and what the original would have left. */
export interface PruningReport {
  /** What was asked for. */
  readonly form: PrunedForm;
  /** τ that the masks are at. */
  readonly threshold: number;
  /** Numbers in the model's weights. */
  readonly parameters: { readonly before: number; readonly after: number };
  /** The share of the masked weights that is not closed, 0 … 1. */
  readonly density: number;
  /** The same by module. */
  readonly densities: Readonly<Record<string, number>>;
  /** Heads that contribute to the output, of each set of weights. */
  readonly headsOpen: readonly number[];
  /**
   * Heads that nn_pruning's `compile_model` removes, of each set of weights. Those whose query or key is dead still
   * attend, to all tokens alike: removing them changes the function. Neurons it keeps.
   */
  readonly reference: { readonly removed: number; readonly heads: readonly (readonly number[])[] };
  /** What compaction did, for each set of weights. */
  readonly layers?: readonly CompactedLayer[];
}

/**
 * A model with its pruning made permanent: the same function as under masks.
 *
 * @throws what `hostMasks`, `denseWeights` and `compactCheckpoint` throw
 */
export async function prunedCheckpoint(
  checkpoint: Checkpoint,
  { layout, scores, threshold }: Pruned,
  form: PrunedForm,
): Promise<{ checkpoint: Checkpoint; report: PruningReport }> {
  const { weights } = checkpoint;
  const masks = hostMasks(layout, { ...weights, ...scores }, threshold);
  const dense = { ...checkpoint, weights: denseWeights(layout, weights, masks) };
  const compacted = form === "compact" ? await compactCheckpoint(dense) : undefined;
  const pruned = compacted?.checkpoint ?? dense;
  const parameters = { before: count(weights), after: count(pruned.weights) };
  return {
    checkpoint: pruned,
    report: {
      ...{ form, threshold, parameters, ...densitiesOf(layout, masks), headsOpen: headsOpen(layout, masks) },
      reference: removedByReference(layout, masks),
      ...(compacted && { layers: compacted.layers }),
    },
  };
}

const count = (weights: Readonly<Record<string, NDArray>>): number =>
  Object.values(weights).reduce((sum, { data }) => sum + data.length, 0);

function removedByReference(layout: Layout, masks: HostMasks): PruningReport["reference"] {
  const heads = openHeads(layout, masks, "reference").map((layer) =>
    layer.flatMap((open, head) => (open ? [] : [head])),
  );
  return { heads, removed: heads.flat().length };
}

/**
 * The share of weights that is open, 0 … 1, of each module and of all.
 *
 * @throws Error for a module without a mask
 */
export function densitiesOf(
  layout: Pick<Layout, "modules">,
  masks: HostMasks,
): { density: number; densities: Record<string, number> } {
  let [open, all] = [0, 0];
  const densities = layout.modules.map(({ name, shape }) => {
    if (masks[name] === undefined) throw new Error(`densitiesOf: expected a mask of ${name}, got none of that name`);
    const { open: own, total } = masks[name];
    open += (own / total) * sizeOf(shape);
    all += sizeOf(shape);
    return [name, own / total] as const;
  });
  return { density: open / all, densities: Object.fromEntries(densities) };
}
