import type { Checkpoint } from "@pruning-bias/model";
import { ndarray } from "@pruning-bias/runtime";
import { type Projection, removeFrom } from "./projection.ts";

/** The head's first layer, which reads the last hidden state. */
const TRANSFORM = "cls.predictions.transform.dense.weight";

/**
 * A masked language model that predicts from projected hidden states: W (P h) + b = (W P) h + b, so that the projection goes
 * into its head, and plain weights hold it. Its hidden states stay as they are: behind the last LayerNorm, γ x̂ + β with P
 * applied is a LayerNorm for no γ and β, but where the directions are entries of the hidden state.
 *
 * @throws Error where the checkpoint has no masked-language-model head; RangeError for directions of another width
 */
export function withProjectedHead(checkpoint: Checkpoint, { directions }: Projection): Checkpoint {
  const weight = checkpoint.weights[TRANSFORM];
  if (weight === undefined) {
    throw new Error(
      `${checkpoint.dir ?? "checkpoint"}: expected a masked-language-model head to take the projection in, got a model without one`,
    );
  }
  const [E, D] = weight.shape as [number, number];
  const other = directions.find(({ length }) => length !== D);
  if (other !== undefined) {
    throw new RangeError(`withProjectedHead: expected directions ${D} wide, got ${other.length}`);
  }
  const data = new Float32Array(E * D);
  for (let e = 0; e < E; e++) {
    const row = Float64Array.from(weight.data.subarray(e * D, (e + 1) * D));
    for (const direction of directions) removeFrom(row, direction);
    data.set(row, e * D);
  }
  return { ...checkpoint, weights: { ...checkpoint.weights, [TRANSFORM]: ndarray(data, [E, D]) } };
}
