import { ndarray, type NDArray } from "@pruning-bias/runtime";
import { type HostMasks, hostMasks } from "./host-masks.ts";
import type { Layout } from "./layout.ts";

/**
 * Weights with their masks multiplied in, Ŵ = M∘W [out, in] and b̂ [out] (Lagunas et al. 2021): the same function without
 * masks, which loads wherever the model does. Other weights are shared, not copied.
 *
 * @param masks those of `hostMasks`
 * @throws Error for a missing weight or mask; RangeError for a weight of another shape
 */
export function denseWeights(
  { modules, biasMask }: Pick<Layout, "modules" | "biasMask">,
  weights: Readonly<Record<string, NDArray>>,
  masks: HostMasks,
): Record<string, NDArray> {
  const dense: Record<string, NDArray> = { ...weights };
  for (const { name, shape } of modules) {
    if (masks[name] === undefined) throw new Error(`denseWeights: expected a mask of ${name}, got none of that name`);
    const { shape: grid, values } = masks[name];
    const [outputs, inputs] = shape;
    const rowOf = (output: number) => Math.floor((output * grid[0]) / outputs) * grid[1];
    const weight = expected(weights, `${name}.weight`, shape);
    const masked = new Float32Array(weight.data.length);
    for (let output = 0; output < outputs; output++) {
      const first = rowOf(output);
      for (let input = 0; input < inputs; input++) {
        const at = output * inputs + input;
        masked[at] = weight.data[at]! * values[first + Math.floor((input * grid[1]) / inputs)]!;
      }
    }
    dense[`${name}.weight`] = ndarray(masked, weight.shape);
    if (!biasMask || weights[`${name}.bias`] === undefined) continue;
    const bias = expected(weights, `${name}.bias`, [outputs]);
    const open = (output: number) =>
      values.subarray(rowOf(output), rowOf(output) + grid[1]).some((value) => value !== 0);
    dense[`${name}.bias`] = ndarray(
      Float32Array.from(bias.data, (value, output) => (open(output) ? value : 0)),
      bias.shape,
    );
  }
  return dense;
}

/**
 * Weights, [out, in], of which those that masks of their magnitudes close are 0: the smallest from then on, so that the same ones stay closed
 * however the others are trained. Other weights are shared, not copied; all of them where nothing is pruned by magnitude.
 *
 * @param threshold the density, 0 … 1
 * @throws what `hostMasks` and `denseWeights` throw
 */
export function closedByMagnitude(
  layout: Layout,
  weights: Readonly<Record<string, NDArray>>,
  threshold: number,
): Record<string, NDArray> {
  const ofWeights = new Set(layout.scores.flatMap(({ name, magnitudeOf }) => (magnitudeOf === undefined ? [] : name)));
  const modules = layout.modules
    .filter(({ source }) => source?.kind === "blocks" && ofWeights.has(source.scores))
    // 2:4 sparsity within them has scores of its own.
    .map((module) => ({ ...module, ampere: undefined }));
  return denseWeights({ ...layout, modules }, weights, hostMasks({ ...layout, modules }, weights, threshold));
}

function expected(weights: Readonly<Record<string, NDArray>>, name: string, shape: readonly number[]): NDArray {
  const found = weights[name];
  if (found === undefined) throw new Error(`denseWeights: expected ${name}, got none of that name`);
  if (found.shape.join() !== shape.join()) {
    throw new RangeError(`denseWeights: ${name}: expected shape [${shape.join(",")}], got [${found.shape.join(",")}]`);
  }
  return found;
}
