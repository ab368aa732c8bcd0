import { ndarray, type NDArray, sizeOf } from "@pruning-bias/runtime";
import { blockGrid } from "./grid.ts";
import { type Binariser, methods } from "./methods.ts";
import type { PruningSettings } from "./settings.ts";

/** The sizes of a BERT that decide its scores: part of its `config.json`. */
export interface EncoderSizes {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  /** Sets of weights that the layers share, as in ALBERT: each is pruned once. One for each layer where absent. */
  readonly num_hidden_groups?: number | undefined;
  readonly num_attention_heads: number;
}

export type Group = "attention" | "dense";

/** A score tensor, under the name of the parameter in nn_pruning. */
export interface ScoreTensor extends Binariser {
  readonly name: string;
  readonly shape: readonly number[];
  readonly group: Group;
  /** Initial value of all its scores. */
  readonly initial: number;
  /** Whether training changes it; else it stays at its initial value. */
  readonly trained: boolean;
  /** Whether the initial value is open at every threshold of the schedule. */
  readonly open: boolean;
}

/** A linear layer with a mask. */
export interface MaskedModule {
  /** Such as `encoder.layer.0.attention.self.query`; its weight is `${name}.weight`. */
  readonly name: string;
  readonly layer: number;
  readonly shape: readonly [outputs: number, inputs: number];
  /** Blocks below and beside each other; a neuron is a block of a whole row or column. */
  readonly grid: readonly [rows: number, columns: number];
  /** Name of its score tensor, which other modules may share. */
  readonly scores: string;
  /** Name of its entry in nn_pruning's state dict. */
  readonly entry: string;
}

/** Which scores gate which weights. */
export interface Layout {
  /** In the order of the network. */
  readonly modules: readonly MaskedModule[];
  /** Each tensor once, in the order of the network. */
  readonly scores: readonly ScoreTensor[];
  readonly sizes: EncoderSizes;
  readonly biasMask: boolean;
}

/**
 * The scores of an encoder (Lagunas et al. 2021, as nn_pruning lays them out): query, key and value in attention blocks,
 * the attention's output in the swapped ones, the feed-forward network by neurons (`1d_alt`) or in blocks.
 *
 * @throws RangeError where a block does not divide its matrix; Error where nothing is left to train
 */
export function scoreLayout(sizes: EncoderSizes, settings: PruningSettings): Layout {
  const modules: MaskedModule[] = [];
  const scores = new Map<string, ScoreTensor>();
  for (let layer = 0; layer < (sizes.num_hidden_groups ?? sizes.num_hidden_layers); layer++) {
    for (const slot of slots(sizes, settings)) {
      const scheme = slot.group === "attention" ? settings.attention : settings.dense;
      if (scheme.method === "disabled") continue;
      const prefix = `encoder.layer.${layer}`;
      const name = `${prefix}.${slot.module}`;
      const { grid, vector } = place(slot, name, settings);
      const owner = ownerOf(slot, settings);
      const tensor = `${prefix}.${owner}.mask_module.context_modules.${owner === slot.module ? vector : 0}.mask_scores`;
      modules.push({
        name,
        layer,
        shape: slot.shape,
        grid,
        scores: tensor,
        entry: `${name}.mask_module.context_modules.${vector}.mask_scores`,
      });
      if (scores.has(tensor)) continue;
      scores.set(tensor, {
        name: tensor,
        shape: isNeurons(slot, settings) ? [sizeOf(grid)] : grid,
        group: slot.group,
        method: scheme.method,
        minElements: settings.minElements,
        ...training(slot, scheme.method, settings),
      });
    }
  }
  const layout = { modules, scores: [...scores.values()], sizes, biasMask: settings.biasMask };
  check(layout, settings);
  return layout;
}

/** All scores at their initial values, fixed ones too. */
export const initialScores = (layout: Layout): Record<string, NDArray> =>
  Object.fromEntries(layout.scores.map((tensor) => [tensor.name, initial(tensor)]));

/** A score tensor at its initial value. */
export const initial = ({ shape, initial }: ScoreTensor): NDArray =>
  ndarray(new Float32Array(sizeOf(shape)).fill(initial), shape);

/** The scores that training changes, out of a tree of all. */
export const trainedScores = <T>(layout: Layout, scores: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    layout.scores.flatMap(({ name, trained }) => (trained && name in scores ? [[name, scores[name]!]] : [])),
  );

type Role = "query" | "key" | "value" | "output" | "intermediate" | "ffnOutput";

interface Slot {
  readonly role: Role;
  /** Within its layer. */
  readonly module: string;
  readonly shape: readonly [outputs: number, inputs: number];
  readonly group: Group;
}

/** The linear layers of one encoder layer. */
function slots({ hidden_size: D, intermediate_size: F }: EncoderSizes, settings: PruningSettings): Slot[] {
  const output = settings.attentionOutputWithDense ? "dense" : "attention";
  return [
    { role: "query", module: "attention.self.query", shape: [D, D], group: "attention" },
    { role: "key", module: "attention.self.key", shape: [D, D], group: "attention" },
    { role: "value", module: "attention.self.value", shape: [D, D], group: "attention" },
    { role: "output", module: "attention.output.dense", shape: [D, D], group: output },
    { role: "intermediate", module: "intermediate.dense", shape: [F, D], group: "dense" },
    { role: "ffnOutput", module: "output.dense", shape: [D, F], group: "dense" },
  ];
}

/** The grid of a module's mask, and which of nn_pruning's vectors it is: 0 = rows (or blocks), 1 = columns. */
function place(slot: Slot, module: string, settings: PruningSettings): { grid: [number, number]; vector: 0 | 1 } {
  const { shape } = slot;
  if (slot.group === "attention") {
    const [rows, columns] = settings.attention.block;
    const keys = ["pruning.attention_block_rows", "pruning.attention_block_cols"] as const;
    const swapped = slot.role === "output";
    const grid = blockGrid({
      module,
      shape,
      block: swapped ? [columns, rows] : [rows, columns],
      keys: swapped ? [keys[1], keys[0]] : keys,
    });
    return { grid, vector: 0 };
  }
  const { block } = settings.dense;
  const keys = ["pruning.dense_block_rows", "pruning.dense_block_cols"] as const;
  if (!isNeurons(slot, settings)) return { grid: blockGrid({ module, shape, block, keys }), vector: 0 };
  // A neuron of the network is a row of intermediate and a column of output.
  if (block[0] !== block[1]) {
    throw new RangeError(`${keys[0]}: expected the ${block[1]} of dense_block_cols for 1d_alt, got ${block[0]}`);
  }
  const rows = slot.role === "intermediate";
  const whole = rows ? ([block[0], shape[1]] as const) : ([shape[0], block[1]] as const);
  return { grid: blockGrid({ module, shape, block: whole, keys }), vector: rows ? 0 : 1 };
}

const isNeurons = ({ group }: Slot, { dense }: PruningSettings): boolean =>
  group === "dense" && dense.layout === "1d_alt";

/** The module whose scores these are. */
function ownerOf(slot: Slot, settings: PruningSettings): string {
  if (settings.shared && (slot.role === "key" || slot.role === "value")) return "attention.self.query";
  if (slot.role === "ffnOutput" && isNeurons(slot, settings)) return "intermediate.dense";
  return slot.module;
}

// What the original adds to the scores of queries and keys that are to stay open: σ(420) = 1.
const WIDE_OPEN = 420;

function training(
  { role }: Slot,
  method: Binariser["method"],
  { valuesOnly, attentionOnly, compat, initialScore, initialThreshold, finalThreshold }: PruningSettings,
): Pick<ScoreTensor, "initial" | "trained" | "open"> {
  const keptOpen = valuesOnly && (role === "query" || role === "key");
  const ffn = role === "intermediate" || role === "ffnOutput";
  const fixed = keptOpen || (attentionOnly && ffn) || (valuesOnly && role !== "value" && compat === undefined);
  const initial = keptOpen ? initialScore + WIDE_OPEN : initialScore;
  const { hostOpen, ranked } = methods[method];
  const openAt = (threshold: number) => hostOpen(Float32Array.of(initial), threshold)[0] === 1;
  return { initial, trained: !fixed, open: !ranked && openAt(initialThreshold) && openAt(finalThreshold) };
}

// Ranking compares all pairs of scores.
const MOST_RANKED = 16_384;

function check({ scores }: Layout, { minElements }: PruningSettings): void {
  if (!scores.some(({ trained }) => trained)) {
    throw new Error("pruning: expected scores to train, got settings that fix all of them");
  }
  const ranked = scores.find(
    ({ method, shape }) => (methods[method].ranked || minElements > 0) && sizeOf(shape) > MOST_RANKED,
  );
  if (ranked !== undefined) {
    const what = methods[ranked.method].ranked ? ranked.method : "linear_min_parameters";
    throw new RangeError(
      `pruning: ${what} takes at most ${MOST_RANKED} scores a tensor, got ${sizeOf(ranked.shape)} in ${ranked.name}: use larger blocks`,
    );
  }
}
