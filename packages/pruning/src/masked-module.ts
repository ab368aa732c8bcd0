import { blockGrid } from "./grid.ts";
import { type Role, roles } from "./layers.ts";
import type { EncoderSizes, Group, MaskedModule } from "./layout.ts";
import { methodOf } from "./methods.ts";
import type { PruningSettings } from "./settings.ts";

/** A linear layer of an encoder layer, before it is masked. */
export interface Slot {
  readonly role: Role;
  readonly module: string;
  readonly shape: readonly [outputs: number, inputs: number];
  readonly group: Group;
}

/** The linear layers of one encoder layer. */
export function slots(
  { hidden_size: D, intermediate_size: F }: EncoderSizes,
  { attentionOutputWithDense }: PruningSettings,
  names: Readonly<Record<Role, string>>,
): Slot[] {
  const shapes: Record<Role, readonly [number, number]> = {
    ...{ query: [D, D], key: [D, D], value: [D, D], output: [D, D] },
    ...{ intermediate: [F, D], ffnOutput: [D, F] },
  };
  return roles.map((role) => ({
    role,
    module: names[role],
    shape: shapes[role],
    group:
      role === "intermediate" || role === "ffnOutput" || (role === "output" && attentionOutputWithDense)
        ? "dense"
        : "attention",
  }));
}

/** A module under its mask; none where it has neither a mask nor 2:4 sparsity. `owners` has the layer's tensors by key. */
export function maskedModule(
  slot: Slot,
  layer: number,
  settings: PruningSettings,
  owners: Map<string, string>,
): MaskedModule | undefined {
  const { method } = settings[slot.group];
  const { module: name, role, shape } = slot;
  const ampere = settings.ampere === "disabled" ? undefined : `${name}.ampere_module.context_module.mask_scores`;
  if (method === "disabled" && ampere === undefined) return undefined;
  const own: MaskedModule["entries"][number][] = [];
  /** The tensor under a key of the layer: the first module that asks names it. */
  const tensor = (key: string, vector: 0 | 1): string => {
    const entry = `${name}.mask_module.context_modules.${vector}.mask_scores`;
    if (!owners.has(key)) owners.set(key, entry);
    const scores = owners.get(key)!;
    if (method === "disabled" || !methodOf(method).ofWeights) own.push({ name: entry, scores });
    return scores;
  };
  const { grid, source } =
    method === "disabled"
      ? { grid: [1, 1] as const, source: undefined }
      : slot.group === "attention"
        ? attentionMask(slot, settings, tensor)
        : denseMask(slot, settings, tensor);
  return {
    ...{ name, layer, role, shape, grid, source, ampere },
    binariser: { method: method === "disabled" ? "sigmoid_threshold" : method, minElements: settings.minElements },
    entries: [...own, ...(ampere === undefined ? [] : [{ name: ampere, scores: ampere }])],
  };
}

type TensorOf = (key: string, vector: 0 | 1) => string;
type Mask = Pick<MaskedModule, "grid" | "source">;

function attentionMask(slot: Slot, settings: PruningSettings, tensor: TensorOf): Mask {
  const { block, layout } = settings.attention;
  const keys = ["pruning.attention_block_rows", "pruning.attention_block_cols"] as const;
  const swapped = slot.role === "output";
  const grid = blockGrid({
    module: slot.module,
    shape: slot.shape,
    block: swapped ? [block[1], block[0]] : block,
    keys: swapped ? [keys[1], keys[0]] : keys,
  });
  const one = settings.shared && settings.compat === undefined && !swapped;
  const key = layout === "joint" ? "joint" : one ? "shared" : slot.role;
  if (layout === "1d") {
    return { grid, source: { kind: "product", rows: tensor(`${key} rows`, 0), columns: tensor(`${key} columns`, 1) } };
  }
  return { grid, source: { kind: "blocks", scores: tensor(key, 0), transposed: layout === "joint" && swapped } };
}

// nn_pruning's vectors chain along a layer: the rows of one module are the columns of the next.
const positions: Partial<Record<Role, number>> = { output: 3, intermediate: 4, ffnOutput: 5 };

function denseMask({ role, module, shape }: Slot, settings: PruningSettings, tensor: TensorOf): Mask {
  const { block, layout, method } = settings.dense;
  const keys = ["pruning.dense_block_rows", "pruning.dense_block_cols"] as const;
  if (layout === "blocks") {
    return {
      grid: blockGrid({ module, shape, block, keys }),
      source: { kind: "blocks", scores: tensor(role, 0), transposed: false },
    };
  }
  if (block[0] !== block[1]) {
    throw new RangeError(`${keys[0]}: expected the ${block[1]} of dense_block_cols for ${layout}, got ${block[0]}`);
  }
  const full = blockGrid({ module, shape, block, keys });
  const position = positions[role]!;
  const rows = () => tensor(`vector ${position + 1}`, 0);
  const columns = () => tensor(`vector ${position}`, 1);
  if (layout === "1d") return { grid: full, source: { kind: "product", rows: rows(), columns: columns() } };
  // A neuron of the network is a row of intermediate and a column of output.
  const byRows = position % 2 === 0;
  const scores = byRows ? rows() : columns();
  const counted = method !== "disabled" && (methodOf(method).ranked || settings.minElements > 0);
  if (settings.compat === "reference" && counted) {
    return {
      grid: full,
      source: { kind: "product", rows: byRows ? scores : undefined, columns: byRows ? undefined : scores },
    };
  }
  return { grid: byRows ? [full[0], 1] : [1, full[1]], source: { kind: "blocks", scores, transposed: false } };
}
