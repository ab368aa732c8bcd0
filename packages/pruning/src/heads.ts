import type { HostMask, HostMasks } from "./host-masks.ts";
import type { Layout } from "./layout.ts";

/**
 * What makes a head open. `contributes`: it adds something to the model's output, so some of its value rows (or, without
 * `biasMask`, its value bias) and some of its output columns are left. `reference`: nn_pruning's compilation keeps it, so
 * some of its query, its key and its value rows are left; it keeps head 0 of a layer where none would be.
 */
export type OpenHead = "contributes" | "reference";

/** Which heads are open, `[layer][head]`. Modules without a mask are open. */
export function openHeads(
  { sizes, biasMask }: Pick<Layout, "sizes" | "biasMask">,
  masks: HostMasks,
  meaning: OpenHead = "contributes",
): boolean[][] {
  const { num_attention_heads: heads, num_hidden_groups, num_hidden_layers } = sizes;
  return Array.from({ length: num_hidden_groups ?? num_hidden_layers }, (_, layer) => {
    const left = (module: string, axis: 0 | 1, head: number) =>
      hasOpen(masks[`encoder.layer.${layer}.${module}`], axis, head, heads);
    const open = Array.from({ length: heads }, (_, head) => {
      const [query, key, value] = ["query", "key", "value"].map((name) => left(`attention.self.${name}`, 0, head));
      return meaning === "reference"
        ? query! && key! && value!
        : (value! || !biasMask) && left("attention.output.dense", 1, head);
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
