import { layerModules, type Role } from "./layers.ts";
import type { HostMask, HostMasks } from "./host-masks.ts";
import type { Layout } from "./layout.ts";

/**
 * What makes a head open. `contributes`: it adds something to the model's output, so some of its value rows (or, without
 * `biasMask`, its value bias) and some of its output columns are left. `reference`: nn_pruning's compilation keeps it, so
 * some of its query, its key and its value rows are left; it keeps head 0 of a layer where none would be.
 */
export type OpenHead = "contributes" | "reference";

/** Which heads are open, `[layer][head]`, of the layers that have weights of their own. Modules without a mask are open. */
export function openHeads(
  { sizes, biasMask }: Pick<Layout, "sizes" | "biasMask">,
  masks: HostMasks,
  meaning: OpenHead = "contributes",
): boolean[][] {
  const { num_attention_heads: heads } = sizes;
  return layerModules(sizes).map((modules) => {
    const left = (role: Role, axis: 0 | 1, head: number) => hasOpen(masks[modules[role]], axis, head, heads);
    const open = Array.from({ length: heads }, (_, head) => {
      const value = left("value", 0, head);
      return meaning === "reference"
        ? left("query", 0, head) && left("key", 0, head) && value
        : (value || !biasMask) && left("output", 1, head);
    });
    if (meaning === "reference" && !open.includes(true)) open[0] = true;
    return open;
  });
}

/** How many heads are open in each layer. */
export const headsOpen = (...args: Parameters<typeof openHeads>): number[] =>
  openHeads(...args).map((layer) => layer.filter(Boolean).length);

/** Whether a block is open among the rows (axis 0) or columns (axis 1) that belong to a head, wholly or in part. */
function hasOpen(found: HostMask | undefined, axis: 0 | 1, head: number, heads: number): boolean {
  if (found === undefined) return true;
  const { shape, mask } = found;
  const first = Math.floor((head * shape[axis]) / heads);
  const end = Math.ceil(((head + 1) * shape[axis]) / heads);
  return mask.some((bit, index) => {
    const position = axis === 0 ? Math.floor(index / shape[1]) : index % shape[1];
    return bit === 1 && position >= first && position < end;
  });
}
