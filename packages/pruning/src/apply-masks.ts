import { type Gate, parameter, type Weights } from "@pruning-bias/model";
import { tf } from "@pruning-bias/runtime";
import { annealed, bestTwo } from "./ampere.ts";
import type { Layout, MaskedModule, ScoreTensor } from "./layout.ts";
import { magnitudes } from "./magnitudes.ts";
import { expandMask, maskLinear } from "./masked-linear.ts";
import { type Binariser, binarise, type Noise } from "./methods.ts";

/** What masks read while training, beside the threshold. */
export interface MaskTraining {
  /** Such as the `random` of a program: l0 draws from it once for each score tensor. */
  readonly noise: Noise;
  /** Of 2:4 sparsity; the last where absent. */
  readonly temperature?: tf.Scalar;
}

/**
 * Weights and gates of the encoder under the masks that its scores make at a threshold: what `encode` takes. Scores are
 * [rows, columns] of blocks or [n] neurons, weights [out, in]. Gradients
 * reach the scores straight through the masks (through the gate itself for l0 and annealed 2:4 sparsity), and the weights
 * where they are open.
 *
 * Score tensors that are not trained may be left out: they are then constants at their initial value, and where that is
 * open at every threshold of the schedule, nothing is computed for them.
 *
 * @param training without it, masks are those of evaluation
 * @throws Error for a missing score tensor or weight; RangeError for one of another shape
 */
export function applyMasks(
  layout: Layout,
  weights: Weights,
  scores: Readonly<Record<string, tf.Tensor>>,
  threshold: tf.Scalar,
  training?: MaskTraining,
): { weights: Weights; gates: Record<string, Gate> } {
  const masked: Record<string, tf.Tensor> = { ...weights };
  const gates: Record<string, Gate> = {};
  const masks = maskTensors(layout, weights, scores, threshold, training);
  for (const module of layout.modules) {
    const mask = masks(module);
    if (mask === undefined) continue;
    const { name, shape } = module;
    const linear = { weight: parameter(weights, `${name}.weight`), bias: weights[`${name}.bias`] };
    expectShape(`${name}.weight`, linear.weight, shape);
    const { weight, bias, gate } = maskLinear(linear, mask, layout);
    masked[`${name}.weight`] = weight;
    if (bias !== undefined) masked[`${name}.bias`] = bias;
    if (gate !== undefined) gates[name] = gate;
  }
  return { weights: masked, gates };
}

/** Masks over the grids of modules, each score tensor's made once; none for a module that is known to be open. */
function maskTensors(
  layout: Layout,
  weights: Weights,
  scores: Readonly<Record<string, tf.Tensor>>,
  threshold: tf.Scalar,
  training: MaskTraining | undefined,
): (module: MaskedModule) => tf.Tensor | undefined {
  const tensors = new Map(layout.scores.map((tensor) => [tensor.name, tensor]));
  const made = new Map<string, tf.Tensor>();
  const valuesOf = (name: string) => scoreValues(tensors.get(name)!, weights, scores);
  const whole = (key: string, values: () => tf.Tensor, binariser: Binariser): tf.Tensor => {
    if (!made.has(key)) made.set(key, binarise(values(), threshold, binariser, training?.noise));
    return made.get(key)!;
  };

  const byScores = ({ source, grid, binariser }: MaskedModule): tf.Tensor | undefined => {
    if (source === undefined) return undefined;
    if (source.kind === "product") {
      const { rows, columns } = source;
      const product = () =>
        tf.mul(
          rows === undefined ? tf.ones([grid[0], 1]) : tf.reshape(valuesOf(rows), [grid[0], 1]),
          columns === undefined ? tf.ones([1, grid[1]]) : tf.reshape(valuesOf(columns), [1, grid[1]]),
        );
      return whole(`${rows}·${columns}`, product, binariser);
    }
    const { scores: of, transposed } = source;
    if (scores[of] === undefined && isOpen(tensors.get(of)!)) return undefined;
    const mask = whole(of, () => valuesOf(of), binariser);
    return transposed ? tf.transpose(tf.reshape(mask, [grid[1], grid[0]])) : tf.reshape(mask, [...grid]);
  };

  return (module) => {
    const mask = byScores(module);
    if (module.ampere === undefined) return mask;
    const values = valuesOf(module.ampere);
    const temperature = training?.temperature;
    const pairs =
      layout.ampere === "annealing"
        ? annealed(values as tf.Tensor3D, temperature)
        : bestTwo(values as tf.Tensor2D, temperature);
    return mask === undefined ? pairs : tf.mul(expandMask(mask, module.shape), pairs);
  };
}

const isOpen = ({ trained, open, magnitudeOf }: ScoreTensor) => !trained && open && magnitudeOf === undefined;

function scoreValues(tensor: ScoreTensor, weights: Weights, scores: Readonly<Record<string, tf.Tensor>>): tf.Tensor {
  if (tensor.magnitudeOf !== undefined) return magnitudes(tensor, weights);
  const given = scores[tensor.name];
  if (given === undefined && tensor.trained) {
    throw new Error(`applyMasks: expected scores ${tensor.name}, got none of that name`);
  }
  if (given === undefined) return tf.mul(tf.ones([...tensor.shape]), tensor.initial);
  expectShape(tensor.name, given, tensor.shape);
  return given;
}

function expectShape(name: string, { shape }: tf.Tensor, expected: readonly number[]): void {
  if (shape.join() !== expected.join()) {
    throw new RangeError(`applyMasks: ${name}: expected shape [${expected.join(",")}], got [${shape.join(",")}]`);
  }
}
