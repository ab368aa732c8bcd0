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

// TensorFlow.js gives a broadcast operand of these a gradient of the result's shape, and then refuses it.
for (const [kernelName, chosen] of [
  ["Maximum", tf.greaterEqual],
  ["Minimum", tf.lessEqual],
] as const) {
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    kernelName,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b]) => {
      const ofFirst = tf.cast(chosen(a!, b!), "float32");
      return {
        a: () => summedTo(a!.shape, tf.mul(dy as tf.Tensor, ofFirst)),
        b: () => summedTo(b!.shape, tf.mul(dy as tf.Tensor, tf.sub(1, ofFirst))),
      };
    },
  });
}

/** Sums over the axes along which an operand of this shape was broadcast. */
function summedTo(shape: number[], gradient: tf.Tensor): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  return tf.reshape(axes.length === 0 ? gradient : tf.sum(gradient, axes), shape);
}
