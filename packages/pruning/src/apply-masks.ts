import { type Gate, parameter, type Weights } from "@pruning-bias/model";
import { tf } from "@pruning-bias/runtime";
import type { Layout, ScoreTensor } from "./layout.ts";
import { maskLinear } from "./masked-linear.ts";
import { binarise } from "./methods.ts";

/**
 * Weights and gates of the encoder under the masks that its scores make at a threshold: what `encode` takes. Gradients
 * reach the scores straight through the masks, and the weights where they are open.
 *
 * Score tensors that are not trained may be left out: they are then constants at their initial value, and where that is
 * open at every threshold of the schedule, nothing is computed for them.
 *
 * @throws Error for a missing score tensor or weight; RangeError for one of another shape
 */
export function applyMasks(
  layout: Layout,
  weights: Weights,
  scores: Readonly<Record<string, tf.Tensor>>,
  threshold: tf.Scalar,
): { weights: Weights; gates: Record<string, Gate> } {
  const masked: Record<string, tf.Tensor> = { ...weights };
  const gates: Record<string, Gate> = {};
  const masks = new Map<string, tf.Tensor | undefined>();
  for (const tensor of layout.scores) masks.set(tensor.name, mask(tensor, scores, threshold));
  for (const { name, shape, grid, scores: of } of layout.modules) {
    const whole = masks.get(of);
    if (whole === undefined) continue;
    const linear = { weight: parameter(weights, `${name}.weight`), bias: weights[`${name}.bias`] };
    expectShape(`${name}.weight`, linear.weight, shape);
    const { weight, bias, gate } = maskLinear(linear, tf.reshape(whole, [...grid]), layout);
    masked[`${name}.weight`] = weight;
    if (bias !== undefined) masked[`${name}.bias`] = bias;
    if (gate !== undefined) gates[name] = gate;
  }
  return { weights: masked, gates };
}

/** The mask of a score tensor; none where it is known to be open. */
function mask(
  tensor: ScoreTensor,
  scores: Readonly<Record<string, tf.Tensor>>,
  threshold: tf.Scalar,
): tf.Tensor | undefined {
  const given = scores[tensor.name];
  if (given === undefined && tensor.trained) {
    throw new Error(`applyMasks: expected scores ${tensor.name}, got none of that name`);
  }
  if (given === undefined && tensor.open) return undefined;
  if (given !== undefined) expectShape(tensor.name, given, tensor.shape);
  return binarise(given ?? constant(tensor), threshold, tensor);
}

const constant = ({ shape, initial }: ScoreTensor) => tf.mul(tf.ones([...shape]), initial);

function expectShape(name: string, { shape }: tf.Tensor, expected: readonly number[]): void {
  if (shape.join() !== expected.join()) {
    throw new RangeError(`applyMasks: ${name}: expected shape [${expected.join(",")}], got [${shape.join(",")}]`);
  }
}
