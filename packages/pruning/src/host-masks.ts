import type { NDArray } from "@pruning-bias/runtime";
import { hostAnnealed, hostBestTwo } from "./ampere.ts";
import { initial } from "./initial.ts";
import { hostMagnitudes } from "./magnitudes.ts";
import type { Layout, MaskedModule, ScoreTensor } from "./layout.ts";
import { methodOf } from "./methods.ts";

/** The mask of a module, [rows, columns]. */
export interface HostMask {
  /** Blocks below and beside each other. */
  readonly shape: readonly [rows: number, columns: number];
  /** [rows·columns], row by row: 1 where a block is open, that is where its mask is not 0. */
  readonly mask: Uint8Array;
  /** [rows·columns]: what weights are multiplied by, `mask`, or for l0 numbers between 0 and 1. */
  readonly values: Uint8Array | Float32Array;
  /** Blocks that are open, of `total`. All blocks are of one size, so `open / total` is the share of weights too. */
  readonly open: number;
  /** All blocks. */
  readonly total: number;
}

/** Masks by module, such as `encoder.layer.0.attention.self.query`. */
export type HostMasks = Readonly<Record<string, HostMask>>;

/**
 * Score tensors by name, in the shapes of the layout; those that are not trained may be left out. Other parameters may stand
 * among them, and must where masks depend on them (method `magnitude`): weights by name, [out, in].
 */
export type HostScores = Readonly<Record<string, NDArray>>;

/**
 * The masks of all modules in evaluation, [rows, columns] by module; over single weights, [out, in], where there is 2:4
 * sparsity.
 *
 * @param threshold τ; a density 0 … 1 for topK and magnitude
 * @throws Error for trained scores or weights that are missing; RangeError for scores of another shape, or NaN among them
 */
export function hostMasks(layout: Layout, scores: HostScores, threshold: number): HostMasks {
  const tensors = new Map(layout.scores.map((tensor) => [tensor.name, tensor]));
  const all = { ...hostMagnitudes(layout, scores), ...scores };
  const valuesOf = (name: string) => scoresOf(tensors.get(name)!, all);
  const made = new Map<string, HostMask["values"]>();
  const masks = layout.modules.map((module) => {
    const { name, shape, grid, source, ampere } = module;
    const key = JSON.stringify(source);
    if (source !== undefined && !made.has(key)) made.set(key, maskValues(module, valuesOf, threshold));
    const values = made.get(key);
    if (ampere === undefined) return [name, counted(grid, values!)] as const;
    const own = valuesOf(ampere);
    const data = own.data as Float32Array;
    const pairs = layout.ampere === "annealing" ? hostAnnealed(data, own.shape) : hostBestTwo(data);
    return [name, counted(shape, values === undefined ? pairs : multiplied(pairs, values, { shape, grid }))] as const;
  });
  return Object.fromEntries(masks);
}

/** A module's mask over its grid, row by row. */
function maskValues(
  { grid, source, binariser }: MaskedModule,
  valuesOf: (name: string) => NDArray,
  threshold: number,
): HostMask["values"] {
  const [rows, columns] = grid;
  const masked = (values: Float32Array) =>
    methodOf(binariser.method).hostMask(values, threshold, binariser.minElements);
  if (source!.kind === "product") {
    const [r, c] = [source!.rows, source!.columns].map((name) => name && (valuesOf(name).data as Float32Array));
    return masked(
      Float32Array.from({ length: rows * columns }, (_, i) => {
        const [row, column] = [Math.floor(i / columns), i % columns];
        return (r ? r[row]! : 1) * (c ? c[column]! : 1);
      }),
    );
  }
  const mask = masked(valuesOf(source!.scores).data as Float32Array);
  if (!source!.transposed) return mask;
  return mask.map((_, i) => mask[(i % columns) * rows + Math.floor(i / columns)]!);
}

function counted(shape: HostMask["shape"], values: HostMask["values"]): HostMask {
  const mask = values instanceof Uint8Array ? values : Uint8Array.from(values, (value) => Number(value !== 0));
  let open = 0;
  for (const bit of mask) open += bit;
  return { shape, mask, values, open, total: mask.length };
}

/** A mask over weights times a mask over blocks of them. */
function multiplied(
  pairs: Uint8Array,
  blocks: HostMask["values"],
  { shape: [outputs, inputs], grid: [rows, columns] }: Pick<MaskedModule, "shape" | "grid">,
): HostMask["values"] {
  const product = blocks instanceof Uint8Array ? new Uint8Array(pairs.length) : new Float32Array(pairs.length);
  for (const [i, bit] of pairs.entries()) {
    const row = Math.floor((Math.floor(i / inputs) * rows) / outputs);
    product[i] = bit * blocks[row * columns + Math.floor(((i % inputs) * columns) / inputs)]!;
  }
  return product;
}

/**
 * How many trained scores ([rows, columns] or [n] by name) lie within `margin` of where their mask flips. Scores settle *on*
 * the threshold, so how many are undecided says more of a run than which of them were open last. Rows and columns of a product
 * flip nothing alone, and are not counted.
 *
 * @param margin in the scores' own unit; 0.1 by default
 * @throws what `cutoffs` throws
 */
export function undecided(layout: Layout, scores: HostScores, threshold: number, margin = 0.1): number {
  let count = 0;
  for (const [name, cutoff] of Object.entries(cutoffs(layout, scores, threshold))) {
    for (const score of scores[name]!.data) if (Math.abs(score - cutoff) < margin) count++;
  }
  return count;
}

/**
 * The score at which gates flip, for each tensor of trained scores ([rows, columns] or [n]) by name: those above it are open.
 *
 * @throws Error for scores that are missing; RangeError for scores of another shape, or NaN among them
 */
export function cutoffs(layout: Layout, scores: HostScores, threshold: number): Record<string, number> {
  const trained = layout.scores.filter((tensor) => tensor.trained && tensor.kind === "mask");
  return Object.fromEntries(
    trained.map((tensor) => {
      const values = scoresOf(tensor, scores).data as Float32Array;
      return [tensor.name, methodOf(tensor.method).cutoff(values, threshold)];
    }),
  );
}

function scoresOf(tensor: ScoreTensor, scores: HostScores): NDArray {
  const found = scores[tensor.name] ?? (tensor.trained ? undefined : initial(tensor));
  if (found === undefined) throw new Error(`scores: expected ${tensor.name}, got none of that name`);
  if (found.shape.join() !== tensor.shape.join()) {
    throw new RangeError(
      `scores: ${tensor.name}: expected shape [${tensor.shape.join()}], got [${found.shape.join()}]`,
    );
  }
  // Nothing is above or below them: they would close what they stand for and say nothing.
  if ((found.data as Float32Array).some(Number.isNaN))
    throw new RangeError(`scores: ${tensor.name}: expected numbers, got NaN`);
  return found;
}
