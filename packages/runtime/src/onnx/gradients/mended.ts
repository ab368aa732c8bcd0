import { sizeOf } from "../../ndarray.ts";
import { tf } from "../../tf.ts";
import { addedBack, summedTo } from "./positions.ts";

/** Puts a gradient in the place of TensorFlow.js' own. */
function mend(kernelName: string, inputsToSave: string[], gradFunc: GradFunc, outputsToSave: boolean[] = []): void {
  tf.unregisterGradient(kernelName);
  tf.registerGradient({ kernelName, inputsToSave, outputsToSave, gradFunc: gradFunc as tf.GradFunc });
}

type GradFunc = (
  dy: tf.Tensor,
  saved: tf.Tensor[],
  // oxlint-disable-next-line typescript/no-explicit-any -- each kernel has its own
  attrs: any,
) => Record<string, () => tf.Tensor>;

// A slice and an addition for each tile: a graph of 100,000 nodes for one layer. The sum over the axes of repetition is
// the same gradient in three nodes, and faster eagerly as well.
mend("Tile", ["x"], (dy, [x], { reps }: { reps: readonly number[] }) => ({
  x() {
    const tiles = x!.shape.flatMap((size, axis) => [reps[axis]!, size]);
    const repetitions = reps.map((_, axis) => 2 * axis);
    return tf.reshape(tf.sum(tf.reshape(dy, tiles), repetitions), x!.shape);
  },
}));

// The gradients of broadcast operands had the result's shape, and were refused then.
for (const [kernelName, chosen] of [
  ["Maximum", tf.greaterEqual],
  ["Minimum", tf.lessEqual],
] as const) {
  mend(kernelName, ["a", "b"], (dy, [a, b]) => {
    const ofFirst = tf.cast(chosen(a!, b!), "float32");
    return {
      a: () => summedTo(a!.shape, tf.mul(dy, ofFirst)),
      b: () => summedTo(b!.shape, tf.mul(dy, tf.sub(1, ofFirst))),
    };
  });
}
mend("SquaredDifference", ["a", "b"], (dy, [a, b]) => {
  const slope = () => tf.mul(dy, tf.mul(tf.sub(a!, b!), 2));
  return { a: () => summedTo(a!.shape, slope()), b: () => summedTo(b!.shape, tf.neg(slope())) };
});
mend("BatchMatMul", ["a", "b"], (dy, [a, b], { transposeA, transposeB }: Record<string, boolean>) => ({
  a: () => summedTo(a!.shape, transposeA ? tf.matMul(b!, dy, transposeB, true) : tf.matMul(dy, b!, false, !transposeB)),
  b: () => summedTo(b!.shape, transposeB ? tf.matMul(dy, a!, true, transposeA) : tf.matMul(a!, dy, !transposeA, false)),
}));

// −1 at 0; of the slopes from −1 to 1 that belong there, 0 leaves a weight of 0 alone.
mend("Abs", ["x"], (dy, [x]) => ({ x: () => tf.mul(dy, tf.sign(tf.cast(x!, "float32"))) }));

// NaN of a power of 0 at a base of 0.
mend(
  "Pow",
  ["a", "b"],
  (dy, [a, b, y]) => ({
    a() {
      const exponent = tf.cast(b!, "float32");
      const less = tf.where(tf.equal(exponent, 0), tf.onesLike(exponent), tf.sub(exponent, 1));
      return summedTo(a!.shape, tf.mul(dy, tf.mul(exponent, tf.pow(a!, less))));
    },
    b() {
      const logarithm = tf.where(tf.greater(a!, 0), tf.log(a!), tf.zerosLike(a!));
      return summedTo(b!.shape, tf.mul(dy, tf.mul(y!, logarithm)));
    },
  }),
  [true],
);

// It is constant between its steps.
mend("FloorDiv", ["a", "b"], (_, [a, b]) => ({
  a: () => tf.zeros(a!.shape),
  b: () => tf.zeros(b!.shape),
}));

// Each of several largest elements had the whole gradient. They share it.
for (const [kernelName, axesName] of [
  ["Max", "reductionIndices"],
  ["Min", "axis"],
] as const) {
  mend(
    kernelName,
    ["x"],
    (dy, [x, y], attrs) => ({
      x() {
        const axes = tf.util.parseAxisParam(attrs[axesName], x!.shape);
        const kept = x!.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
        const found = tf.cast(tf.equal(x!, tf.reshape(y!, kept)), "float32");
        return tf.mul(found, tf.div(tf.reshape(dy, kept), tf.sum(found, axes, true)));
      },
    }),
    [true],
  );
}

// Transposed where the axis was not the last.
mend("Cumsum", [], (dy, _, { axis, exclusive, reverse }) => ({ x: () => tf.cumsum(dy, axis, exclusive, !reverse) }));

// Refused for axes counted from the last. The product of all others, over the axes as one.
mend("Prod", ["x"], (dy, [x], { axis }: { axis: number | number[] }) => ({
  x() {
    const axes = tf.util.parseAxisParam(axis, x!.shape).toSorted((a, b) => a - b);
    const others = x!.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const order = [...others, ...axes];
    const moved = tf.transpose(x!, order);
    const rows = tf.reshape(moved, [-1, sizeOf(axes.map((i) => x!.shape[i]!))]);
    const productOfOthers = tf.mul(tf.cumprod(rows, 1, true), tf.cumprod(rows, 1, true, true));
    const gradient = tf.reshape(tf.mul(productOfOthers, tf.reshape(dy, [-1, 1])), moved.shape);
    return tf.transpose(
      gradient,
      order.map((_, i) => order.indexOf(i)),
    );
  },
}));

// What was mirrored gave nothing back.
mend("MirrorPad", ["x"], (dy, [x], { paddings, mode }) => ({
  x: () => addedBack(dy, x!.shape, (positions) => tf.mirrorPad(positions, paddings, mode)),
}));

// One batch dimension was differentiated item by item, and more as if there were none.
const gatherGradient = tf.getGradient("GatherV2");
mend("GatherV2", ["x", "indices"], (dy, saved, attrs) => {
  const [x, indices] = saved as [tf.Tensor, tf.Tensor];
  const { axis, batchDims } = attrs as { axis: number; batchDims: number };
  if (!batchDims) return gatherGradient.gradFunc(dy, saved, attrs) as ReturnType<GradFunc>;
  return {
    x: () => addedBack(dy, x.shape, (positions) => tf.gather(positions, indices as tf.Tensor1D, axis, batchDims)),
    indices: () => tf.zeros(indices.shape),
  };
});
