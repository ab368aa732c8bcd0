import type { Gate } from "@pruning-bias/model";
import { ndarray, type NDArray, tf } from "@pruning-bias/runtime";
import { hostMasks, type HostScores } from "./host-masks.ts";
import type { Layout, MaskedModule } from "./layout.ts";

/** Masks of C candidates over the gates of modules, [C, g] each, by module. */
export type GateSets<T> = Readonly<Record<string, T>>;

/**
 * Names of trained score tensors whose masks are gates on activations wherever they are read, so that several sets of them can
 * go through the encoder in one batch. Blocks inside a matrix mask its weights, of which each set would need a copy.
 */
export function gateTensors({ modules, scores }: Layout): Set<string> {
  const isGate = ({ source, ampere, grid }: MaskedModule) =>
    source?.kind === "blocks" && ampere === undefined && Math.min(...grid) === 1;
  const read = (name: string) => modules.filter(({ source }) => source?.kind === "blocks" && source.scores === name);
  const names = scores.filter(({ trained, kind }) => trained && kind === "mask").map(({ name }) => name);
  return new Set(names.filter((name) => read(name).every(isGate)));
}

/**
 * The masks, [C, g] float32 by module, that C sets of scores make of the tensors of `names`, which are gates: see
 * `gateTensors`.
 *
 * @throws RangeError for names of others or no candidates; Error for scores that are missing
 */
export function gateSets(
  layout: Layout,
  names: ReadonlySet<string>,
  candidates: readonly HostScores[],
  threshold: number,
): GateSets<NDArray> {
  const gates = gateTensors(layout);
  const others = [...names].filter((name) => !gates.has(name));
  if (others.length > 0) throw new RangeError(`gateSets: expected tensors of gates, got ${others.join(", ")}`);
  if (candidates.length === 0) throw new RangeError("gateSets: expected candidates, got none");
  const modules = layout.modules.filter(({ source }) => source?.kind === "blocks" && names.has(source.scores));
  const masks = candidates.map((scores) => hostMasks({ ...layout, modules }, scores, threshold));
  const sets = modules.map(({ name }) => {
    const rows = masks.map((own) => own[name]!.values);
    const values = Float32Array.from(rows.flatMap((own) => [...own]));
    return [name, ndarray(values, [candidates.length, rows[0]!.length])];
  });
  return Object.fromEntries(sets) as GateSets<NDArray>;
}

/** A module's gate with a mask of its own for each candidate, [C, g]; its bias closes with rows of which nothing is left. */
export function gateOf(
  { grid: [, columns] }: MaskedModule,
  set: tf.Tensor2D,
  { biasMask }: Pick<Layout, "biasMask">,
): Gate {
  const bias = () => tf.cast<tf.Tensor2D>(tf.greater(columns === 1 ? set : tf.max(set, 1, true), 0), "float32");
  return { own: { [columns === 1 ? "rows" : "columns"]: set, ...(biasMask && { bias: bias() }) } };
}
