import { generator, ndarray, type NDArray, sizeOf } from "@pruning-bias/runtime";
import { type Layout, parameterScores, type ScoreTensor } from "./layout.ts";

/**
 * All scores at their initial values, fixed ones too, float32 in the shapes of the layout ([rows, columns] of blocks, [n]
 * neurons); those that are drawn, from `seed`, the same on every machine.
 *
 * @param seed 42 by default
 */
export function initialScores(layout: Layout, seed = 42): Record<string, NDArray> {
  const random = generator(seed);
  const scores = Object.fromEntries(
    parameterScores(layout).map((tensor) => {
      const { data, shape } = initial(tensor);
      const width = halfWidth(tensor);
      if (width > 0) for (let i = 0; i < data.length; i++) data[i] = width * (2 * random.uniform() - 1);
      return [tensor.name, ndarray(data, shape)] as const;
    }),
  );
  // The original's tied tensors are one storage.
  for (const names of layout.tied) for (const name of names) scores[name] = copy(scores[names[0]!]!);
  return scores;
}

/** A score tensor at its constant initial value; 0, the middle, where it is drawn. */
export const initial = ({ shape, initial, init }: ScoreTensor): NDArray =>
  ndarray(new Float32Array(sizeOf(shape)).fill(init === "constant" ? initial : 0), shape);

/**
 * Half the width of the uniform distribution around 0 that scores are drawn from; 0 for a constant. kaiming: 1/√columns
 * (He et al. 2015 with PyTorch's a = √5), 1/√n for a vector of n.
 */
const halfWidth = ({ init, initial, shape }: ScoreTensor): number =>
  init === "uniform"
    ? initial
    : init === "kaiming"
      ? 1 / Math.sqrt(shape[1] === undefined ? shape[0]! : sizeOf(shape.slice(1)))
      : 0;

const copy = ({ data, shape }: NDArray): NDArray => ndarray(data.slice(), shape);
