import { sizeOf } from "@pruning-bias/runtime";
import type { Role } from "./layers.ts";
import type { MaskedModule, ScoreTensor } from "./layout.ts";
import type { Slot } from "./masked-module.ts";
import { type Binariser, methodOf } from "./methods.ts";
import type { PruningSettings } from "./settings.ts";

/** The score tensors that a module reads; those of modules before it among them. */
export function scoreTensors(module: MaskedModule, slot: Slot, settings: PruningSettings): ScoreTensor[] {
  const { source, grid, shape, ampere, binariser } = module;
  const shared = { group: slot.group, ...binariser };
  const tensors: ScoreTensor[] = [];
  const kind = source?.kind === "product" ? ("factor" as const) : ("mask" as const);
  /** `of` is the grid over the weights that the scores stand for: vectors are one row or column of it. */
  const add = (name: string | undefined, shape: readonly number[], of: MaskedModule["grid"]): void => {
    if (name === undefined) return;
    const own = { ...shared, name, shape, kind, ...training(slot.role, binariser.method, settings) };
    const transposed = source?.kind === "blocks" && source.transposed;
    const magnitudeOf = [{ name: module.name, grid: of, transposed }];
    tensors.push(methodOf(binariser.method).ofWeights ? { ...own, trained: false, magnitudeOf } : own);
  };
  if (source?.kind === "product") {
    add(source.rows, [grid[0]], [grid[0], 1]);
    add(source.columns, [grid[1]], [1, grid[1]]);
  } else if (source !== undefined) {
    const isVector = slot.group === "dense" && settings.dense.layout === "1d_alt";
    add(source.scores, isVector ? [sizeOf(grid)] : grid, grid);
  }
  if (ampere !== undefined) {
    const [outputs, inputs] = shape;
    const group = settings.ampere === "annealing" ? "rows" : "columns";
    const along = group === "rows" ? outputs : inputs;
    if (along % 4 !== 0) {
      throw new RangeError(
        `pruning.ampere_pruning_method: expected a multiple of 4 ${group}, got ${along} of ${module.name}`,
      );
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
  const { hostMask, ranked } = methodOf(method);
  const openAt = (threshold: number) => hostMask(Float32Array.of(initial), threshold, 0)[0] === 1;
  const open = init === "constant" && !ranked && openAt(initialThreshold) && openAt(finalThreshold);
  return { initial, init, trained: !fixed, open };
}
