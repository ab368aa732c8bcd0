import { sizeOf } from "@pruning-bias/runtime";
import { layerModules, type Role, roles } from "./layers.ts";
import { blockGrid } from "./grid.ts";
import { type Binariser, methods } from "./methods.ts";
import type { PruningSettings } from "./settings.ts";

/** The sizes of an encoder that decide its scores: part of its `config.json`. */
export interface EncoderSizes {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  /** `bert` where absent. */
  readonly model_type?: string;
  /** Sets of weights that the layers share, as in ALBERT: each is pruned once. One for each layer where absent. */
  readonly num_hidden_groups?: number | undefined;
  /** Sizes of a model that is compact already, and cannot be pruned again. */
  readonly compact_layers?: unknown;
}

export type Group = "attention" | "dense";

/** A score tensor, under the name of the parameter in nn_pruning. */
export interface ScoreTensor extends Binariser {
  readonly name: string;
  readonly shape: readonly number[];
  readonly group: Group;
  /** Scores of blocks, rows, columns or neurons; or of the 2:4 sparsity inside a matrix. */
  readonly kind: "mask" | "ampere";
  /** Initial value of all its scores, or the half-width of the distribution they are drawn from. */
  readonly initial: number;
  readonly init: PruningSettings["scoreInit"];
  /** Whether training changes it; else it stays at its initial value. */
  readonly trained: boolean;
  /** Whether the initial value is open at every threshold of the schedule. */
  readonly open: boolean;
  /** Modules whose magnitudes these are (method `magnitude`): no parameter then, and in no state dict. */
  readonly magnitudeOf?: readonly (Pick<MaskedModule, "name" | "grid"> & { readonly transposed: boolean })[];
}

/** What a module's mask is made from. */
export type MaskSource =
  /** One score for each block; `transposed` where the scores are those of a module that reads the grid the other way. */
  | { readonly kind: "blocks"; readonly scores: string; readonly transposed: boolean }
  /** S = r·cᵀ, a vector that is absent is ones. */
  | { readonly kind: "product"; readonly rows: string | undefined; readonly columns: string | undefined };

/** A linear layer with a mask. */
export interface MaskedModule {
  /** Such as `encoder.layer.0.attention.self.query`; its weight is `${name}.weight`. */
  readonly name: string;
  readonly layer: number;
  readonly role: Role;
  readonly shape: readonly [outputs: number, inputs: number];
  /** Blocks below and beside each other; a neuron is a block of a whole row or column. */
  readonly grid: readonly [rows: number, columns: number];
  /** None where 2:4 sparsity is all there is. */
  readonly source: MaskSource | undefined;
  readonly binariser: Binariser;
  /** Name of the scores of its 2:4 sparsity. */
  readonly ampere: string | undefined;
  /** Its entries in nn_pruning's state dict, and the score tensors they hold, which other modules may share. */
  readonly entries: readonly { readonly name: string; readonly scores: string }[];
}

/** Which scores gate which weights. */
export interface Layout {
  /** In the order of the network. */
  readonly modules: readonly MaskedModule[];
  /** Each tensor once, in the order of the network. */
  readonly scores: readonly ScoreTensor[];
  /** Names of score tensors that are one storage in the original (`compat` with shared scores): see `mergeTied`. */
  readonly tied: readonly (readonly string[])[];
  readonly sizes: EncoderSizes;
  readonly biasMask: boolean;
  readonly ampere: PruningSettings["ampere"];
}

/**
 * The scores of an encoder (Lagunas et al. 2021, as nn_pruning lays them out): query, key and value in attention blocks,
 * the attention's output in the swapped ones, the feed-forward network by neurons (`1d_alt`), by rows times columns
 * (`1d`) or in blocks. Layers that share their weights (ALBERT) share their scores.
 *
 * @throws RangeError where a block does not divide its matrix; Error where nothing is left to train
 */
export function scoreLayout(sizes: EncoderSizes, settings: PruningSettings): Layout {
  const modules: MaskedModule[] = [];
  const scores = new Map<string, ScoreTensor>();
  const tied: string[][] = [];
  if (sizes.compact_layers !== undefined) {
    throw new Error("scoreLayout: expected a model with all its heads and neurons, got one that is compact");
  }
  for (const [layer, names] of layerModules(sizes).entries()) {
    const owners = new Map<string, string>();
    for (const slot of slots(sizes, settings, names)) {
      const module = maskedModule(slot, layer, settings, owners);
      if (module === undefined) continue;
      modules.push(module);
      for (const tensor of scoreTensors(module, slot, settings)) {
        const known = scores.get(tensor.name);
        if (known === undefined) scores.set(tensor.name, tensor);
        else if (known.magnitudeOf && tensor.magnitudeOf) {
          scores.set(tensor.name, { ...known, magnitudeOf: [...known.magnitudeOf, ...tensor.magnitudeOf] });
        }
      }
    }
    if (settings.shared && settings.compat === "reference") tied.push(...tiedOf(modules, layer));
  }
  const { biasMask, ampere } = settings;
  const layout = { modules, scores: [...scores.values()], tied, sizes, biasMask, ampere };
  if (!layout.scores.some(({ trained, magnitudeOf }) => trained || magnitudeOf)) {
    throw new Error("pruning: expected scores to train, got settings that fix all of them");
  }
  return layout;
}

/** The scores that are parameters, fixed ones too; magnitudes are none. */
export const parameterScores = ({ scores }: Layout): ScoreTensor[] =>
  scores.filter(({ magnitudeOf }) => magnitudeOf === undefined);

/** The scores that training changes, out of a tree of all. */
export const trainedScores = <T>(layout: Layout, scores: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    layout.scores.flatMap(({ name, trained }) => (trained && name in scores ? [[name, scores[name]!]] : [])),
  );

interface Slot {
  readonly role: Role;
  readonly module: string;
  readonly shape: readonly [outputs: number, inputs: number];
  readonly group: Group;
}

/** The linear layers of one encoder layer. */
function slots(
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
function maskedModule(
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
    if (method !== "magnitude") own.push({ name: entry, scores });
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
  const counted = method !== "disabled" && (methods[method].ranked || settings.minElements > 0);
  if (settings.compat === "reference" && counted) {
    return {
      grid: full,
      source: { kind: "product", rows: byRows ? scores : undefined, columns: byRows ? undefined : scores },
    };
  }
  return { grid: byRows ? [full[0], 1] : [1, full[1]], source: { kind: "blocks", scores, transposed: false } };
}

/** The score tensors that a module reads; those of modules before it among them. */
function scoreTensors(module: MaskedModule, slot: Slot, settings: PruningSettings): ScoreTensor[] {
  const { source, grid, shape, ampere, binariser } = module;
  const shared = { group: slot.group, ...binariser };
  const tensors: ScoreTensor[] = [];
  const add = (name: string | undefined, shape: readonly number[]): void => {
    if (name === undefined) return;
    const own = { ...shared, name, shape, kind: "mask" as const, ...training(slot.role, binariser.method, settings) };
    const transposed = source?.kind === "blocks" && source.transposed;
    const magnitudeOf = [{ name: module.name, grid, transposed }];
    tensors.push(binariser.method === "magnitude" ? { ...own, trained: false, magnitudeOf } : own);
  };
  if (source?.kind === "product") {
    add(source.rows, [grid[0]]);
    add(source.columns, [grid[1]]);
  } else if (source !== undefined) {
    const isVector = slot.group === "dense" && settings.dense.layout === "1d_alt";
    add(source.scores, isVector ? [sizeOf(grid)] : grid);
  }
  if (ampere !== undefined) {
    const [outputs, inputs] = shape;
    const group = settings.ampere === "annealing" ? "rows" : "columns";
    const along = group === "rows" ? outputs : inputs;
    if (along % 4 !== 0) {
      throw new RangeError(`pruning.ampere_pruning_method: expected a multiple of 4 ${group}, got ${along} of ${module.name}`);
    }
    tensors.push({
      ...{ ...shared, name: ampere, kind: "ampere", initial: 0, init: "constant", open: false },
      shape: settings.ampere === "annealing" ? [inputs, outputs / 4, 6] : [outputs, inputs],
      trained: training(slot.role, binariser.method, settings).trained,
    });
  }
  return tensors;
}

// What the original adds to the scores of queries and keys that are to stay open: σ(420) = 1.
const WIDE_OPEN = 420;

function training(
  role: Role,
  method: Binariser["method"],
  settings: PruningSettings,
): Pick<ScoreTensor, "initial" | "init" | "trained" | "open"> {
  const { valuesOnly, attentionOnly, compat, initialScore, scoreInit, initialThreshold, finalThreshold } = settings;
  const keptOpen = valuesOnly && (role === "query" || role === "key");
  const ffn = role === "intermediate" || role === "ffnOutput";
  const fixed = keptOpen || (attentionOnly && ffn) || (valuesOnly && role !== "value" && compat === undefined);
  // Scores that never move are the constant that draws are spread around.
  const centre = scoreInit === "constant" ? initialScore : 0;
  const init = fixed ? "constant" : scoreInit;
  const initial = keptOpen ? centre + WIDE_OPEN : fixed ? centre : initialScore;
  const { hostMask, ranked } = methods[method];
  const openAt = (threshold: number) => hostMask(Float32Array.of(initial), threshold, 0)[0] === 1;
  const open = init === "constant" && !ranked && openAt(initialThreshold) && openAt(finalThreshold);
  return { initial, init, trained: !fixed, open };
}

/** Query, key and value of a layer, tensor by tensor. */
function tiedOf(modules: readonly MaskedModule[], layer: number): string[][] {
  const sharing = modules.filter(
    (module) => module.layer === layer && ["query", "key", "value"].includes(module.role) && module.entries.length > 0,
  );
  const [first] = sharing;
  if (first === undefined) return [];
  const kept = (entries: MaskedModule["entries"]) => entries.filter(({ name }) => name.includes(".mask_module."));
  return kept(first.entries).map((_, index) => sharing.map(({ entries }) => kept(entries)[index]!.scores));
}
