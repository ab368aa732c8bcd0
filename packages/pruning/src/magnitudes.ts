import { type NDArray, ndarray, sizeOf, tf } from "@pruning-bias/runtime";
import type { Layout, ScoreTensor } from "./layout.ts";

/**
 * The magnitudes of a layout's method `magnitude`: for each block, row, column or neuron the mean |W| over its weights in
 * all the modules that share it. Empty where the method is another.
 *
 * @param weights by name, of which `${module}.weight` [out, in] are read
 */
export function hostMagnitudes(layout: Layout, weights: Readonly<Record<string, NDArray>>): Record<string, NDArray> {
  return Object.fromEntries(
    layout.scores.flatMap((tensor) => {
      if (tensor.magnitudeOf === undefined) return [];
      const sums = new Float64Array(sizeOf(tensor.shape));
      for (const { name, grid, transposed } of tensor.magnitudeOf) {
        const { data, shape } = expectWeight(name, weights[`${name}.weight`]);
        const [rows, columns] = grid;
        const [height, width] = [shape[0]! / rows, shape[1]! / columns];
        const scale = 1 / (height * width * tensor.magnitudeOf.length);
        for (const [index, weight] of data.entries()) {
          const row = Math.floor(Math.floor(index / shape[1]!) / height);
          const column = Math.floor((index % shape[1]!) / width);
          sums[transposed ? column * rows + row : row * columns + column]! += scale * Math.abs(weight);
        }
      }
      return [[tensor.name, ndarray(Float32Array.from(sums), tensor.shape)]];
    }),
  );
}

/** The magnitudes of one tensor, of weights as tensors. */
export function magnitudes(
  { magnitudeOf = [], shape }: ScoreTensor,
  weights: Readonly<Record<string, tf.Tensor>>,
): tf.Tensor {
  const means = magnitudeOf.map(({ name, grid: [rows, columns], transposed }) => {
    const weight = expectWeight(name, weights[`${name}.weight`]);
    const [outputs, inputs] = weight.shape as [number, number];
    const blocks = tf.reshape(tf.abs(weight), [rows, outputs / rows, columns, inputs / columns]);
    const mean = tf.mean(tf.mean(blocks, 3), 1); // (rows, columns)
    return tf.reshape(transposed ? tf.transpose(mean) : mean, [...shape]);
  });
  return means.length === 1 ? means[0]! : tf.mean(tf.stack(means), 0);
}

function expectWeight<T>(module: string, weight: T | undefined): T {
  if (weight === undefined) {
    throw new Error(`magnitudes: expected ${module}.weight among the parameters, got none of that name`);
  }
  return weight;
}
