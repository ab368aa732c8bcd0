import { ndarray, type NDArray } from "@pruning-bias/runtime";
import type { Layout, MaskedModule } from "./layout.ts";

type Scores = Readonly<Record<string, NDArray>>;

/**
 * The scores after an update of an optimiser that took the original's tied tensors (`compat` with shared scores) for
 * separate ones: each has its own gradient and its own moments, but all are one storage, so that every step changes it
 * once for each. S ← S + Σ_i (S_i′ − S) in all of them, [rows, columns] each.
 *
 * @param before the scores, equal where they are tied
 * @param after the scores after the update, with any other parameters; those that are not tied stay as they are
 * @throws Error for tied scores that are missing
 */
export function mergeTied<T extends Scores>(layout: Pick<Layout, "tied">, before: Scores, after: T): T {
  const merged: Record<string, NDArray> = { ...after };
  for (const names of layout.tied) {
    const missing = names.find((name) => before[name] === undefined || after[name] === undefined);
    if (missing !== undefined)
      throw new Error(`mergeTied: expected scores ${missing} before and after, got none of that name`);
    const old = before[names[0]!]!;
    const updated = names.map((name) => after[name]!.data);
    const sum = Float32Array.from(old.data, (score, i) =>
      updated.reduce((total, { [i]: own }) => total + (own! - score), score),
    );
    for (const name of names) merged[name] = ndarray(sum.slice(), old.shape);
  }
  return merged as T;
}

/** The score tensors of a layer that are one storage in the original: those of query, key and value. */
export function tiedOf(modules: readonly MaskedModule[], layer: number): string[][] {
  const sharing = modules.filter(
    (module) => module.layer === layer && ["query", "key", "value"].includes(module.role) && module.entries.length > 0,
  );
  const [first] = sharing;
  if (first === undefined) return [];
  const kept = (entries: MaskedModule["entries"]) => entries.filter(({ name }) => name.includes(".mask_module."));
  return kept(first.entries).map((_, index) => sharing.map(({ entries }) => kept(entries)[index]!.scores));
}
