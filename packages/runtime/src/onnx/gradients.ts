import { tf } from "../tf.ts";

// TensorFlow.js differentiates a tiling with a slice and an addition for each tile: a graph of 100,000 nodes for one
// layer. The sum over the axes of repetition is the same gradient in three nodes, and faster eagerly as well.
tf.unregisterGradient("Tile");
tf.registerGradient({
  kernelName: "Tile",
  inputsToSave: ["x"],
  gradFunc: (dy, [x], attrs) => {
    const reps = attrs["reps"] as unknown as readonly number[];
    const tiles = x!.shape.flatMap((size, axis) => [reps[axis]!, size]);
    const repetitions = reps.map((_, axis) => 2 * axis);
    return { x: () => tf.reshape(tf.sum(tf.reshape(dy as tf.Tensor, tiles), repetitions), x!.shape) };
  },
});
