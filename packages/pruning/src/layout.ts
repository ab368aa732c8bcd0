import { layerModules, type Role } from "./layers.ts";
import { maskedModule, slots } from "./masked-module.ts";
import type { Binariser } from "./methods.ts";
import { scoreTensors } from "./score-tensors.ts";
import type { PruningSettings } from "./settings.ts";
import { tiedOf } from "./tied.ts";

/** The sizes of an encoder that decide its scores: part of its `config.json`. */
export interface EncoderSizes {
  /** Width of a hidden state. */
  readonly hidden_size: number;
  /** Neurons of a feed-forward network. */
  readonly intermediate_size: number;
  /** Layers. */
  readonly num_hidden_layers: number;
  /** Heads of a layer. */
  readonly num_attention_heads: number;
  /** `bert` where absent. */
  readonly model_type?: string | undefined;
  /** Sets of weights that the layers share, as in ALBERT: each is pruned once. One for each layer where absent. */
  readonly num_hidden_groups?: number | undefined;
  /** Sizes of a model that is compact already, and cannot be pruned again. */
  readonly compact_layers?: unknown;
}

/** Scores of query, key, value and output, and those of the feed-forward network: each has its λ in the regulariser. */
export type Group = "attention" | "dense";

/** A score tensor, under the name of the parameter in nn_pruning. */
export interface ScoreTensor extends Binariser {
  /** Such as `encoder.layer.0.attention.self.query.mask_module.context_modules.0.mask_scores`. */
  readonly name: string;
  /** [rows, columns] of blocks; [n] for a vector; [out, in] or [in, out/4, 6] for 2:4 sparsity. */
  readonly shape: readonly number[];
  /** Whose λ it counts with. */
  readonly group: Group;
  /** Scores of blocks or neurons; rows or columns whose product is the score; of the 2:4 sparsity inside a matrix. */
  readonly kind: "mask" | "factor" | "ampere";
  /** Initial value of all its scores, or the half-width of the distribution they are drawn from. */
  readonly initial: number;
  /** How `initial` is meant. */
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
  /** From 0; of layers that share their weights, the set of weights. */
  readonly layer: number;
  /** What it is in its layer. */
  readonly role: Role;
  /** Of its weight. */
  readonly shape: readonly [outputs: number, inputs: number];
  /** Blocks below and beside each other; a neuron is a block of a whole row or column. */
  readonly grid: readonly [rows: number, columns: number];
  /** None where 2:4 sparsity is all there is. */
  readonly source: MaskSource | undefined;
  /** How its scores become its mask. */
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
  /** Of the encoder that it was made for. */
  readonly sizes: EncoderSizes;
  /** Whether a bias closes with its row. */
  readonly biasMask: boolean;
  /** 2:4 sparsity times every mask, or `disabled`. */
  readonly ampere: PruningSettings["ampere"];
}

/**
 * The scores of an encoder (Lagunas et al. 2021, as nn_pruning lays them out): query, key and value in attention blocks,
 * the attention's output in the swapped ones, the feed-forward network by neurons (`1d_alt`), by rows times columns
 * (`1d`) or in blocks. Layers that share their weights (ALBERT) share their scores.
 *
 * @param settings those of `parsePruningSettings` or `fromNnPruning`
 * @throws RangeError where a block does not divide its matrix; Error for a compact model, or where nothing is left to train
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

/** The scores that training changes, out of a tree of all by name; those that the tree lacks are left out. */
export const trainedScores = <T>(layout: Layout, scores: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    layout.scores.flatMap(({ name, trained }) => (trained && name in scores ? [[name, scores[name]!]] : [])),
  );
