import { tf } from "../../tf.ts";
import { addedAt, addedBack } from "./positions.ts";

// Gradients of kernels that TensorFlow.js does not differentiate.

tf.registerGradient({
  kernelName: "TopK",
  inputsToSave: ["x"],
  outputsToSave: [false, true],
  gradFunc: (dys, [x, indices]) => ({
    x() {
      const [n, k] = [x!.shape.at(-1)!, indices!.shape.at(-1)!];
      const rows = x!.size / n;
      const starts = tf.reshape(tf.range(0, rows * n, n, "int32"), [rows, 1]);
      const positions = tf.add(tf.reshape(indices!, [rows, k]), starts);
      const values = tf.reshape((dys as tf.Tensor[])[0]!, [-1]);
      return tf.reshape(addedAt(positions, values, rows * n), x!.shape);
    },
  }),
});

// ∂yᵢ/∂xₖ is the product of all factors of yᵢ but xₖ: those before k times those between k and i.
tf.registerGradient({
  kernelName: "Cumprod",
  inputsToSave: ["x"],
  gradFunc: (dy, [x], attrs) => {
    const { axis, exclusive, reverse } = attrs as unknown as { axis: number; exclusive: boolean; reverse: boolean };
    return {
      x() {
        const last = x!.rank - 1;
        const [at] = tf.util.parseAxisParam(axis, x!.shape) as [number];
        const turn = x!.shape.map((_, i) => (i === at ? last : i === last ? at : i));
        const forward = (t: tf.Tensor) => tf.transpose(reverse ? tf.reverse(t, at) : t, turn); // (…, n)
        const factors = forward(x!);
        const place = tf.range(0, x!.shape[at]!, 1, "int32");
        const [k, j] = [tf.expandDims(place, 1), tf.expandDims(place, 0)];
        const rows = tf.expandDims(factors, -2); // (…, 1, j)
        const later = tf.where(tf.greater(j, k), rows, tf.onesLike(rows)); // (…, k, j)
        const between = tf.cumprod(later, -1 + later.rank, exclusive); // (…, k, i)
        const counts = tf.cast(exclusive ? tf.greater(j, k) : tf.greaterEqual(j, k), "float32");
        const along = tf.mul(tf.mul(between, counts), tf.expandDims(forward(dy as tf.Tensor), -2));
        const gradient = tf.transpose(tf.mul(tf.cumprod(factors, last, true), tf.sum(along, -1)), turn);
        return reverse ? tf.reverse(gradient, at) : gradient;
      },
    };
  },
});

tf.registerGradient({
  kernelName: "StridedSlice",
  inputsToSave: ["x"],
  gradFunc: (dy, [x], attrs) => ({
    x: () => addedBack(dy as tf.Tensor, x!.shape, (x) => tf.engine().runKernel("StridedSlice", { x }, attrs)),
  }),
});

tf.registerGradient({
  kernelName: "GatherNd",
  inputsToSave: ["params", "indices"],
  gradFunc: (dy, [params, indices]) => ({
    params: () => addedBack(dy as tf.Tensor, params!.shape, (positions) => tf.gatherND(positions, indices!)),
    indices: () => tf.zeros(indices!.shape),
  }),
});

tf.registerGradient({
  kernelName: "ScatterNd",
  inputsToSave: ["indices"],
  gradFunc: (dy, [indices]) => ({
    updates: () => tf.gatherND(dy as tf.Tensor, indices!),
    indices: () => tf.zeros(indices!.shape),
  }),
});

tf.registerGradient({
  kernelName: "Diag",
  inputsToSave: ["x"],
  gradFunc: (dy, [x]) => ({
    x() {
      const diagonal = tf.range(0, x!.size * x!.size, x!.size + 1, "int32");
      return tf.reshape(tf.gather(tf.reshape(dy as tf.Tensor, [-1]), diagonal), x!.shape);
    },
  }),
});

// The operand's place is taken by dy; an axis that is summed over and stands in the operand alone is broadcast.
tf.registerGradient({
  kernelName: "Einsum",
  saveAllInputs: true,
  gradFunc: (dy, operands, attrs) => {
    const [inputs, result] = String(attrs["equation"]).replaceAll(/\s/g, "").split("->") as [string, string];
    const terms = inputs.split(",");
    // A scalar's term may not be empty: it gets an axis of one element.
    const free = [..."abcdefghijklmnopqrstuvwxyz"].find((axis) => !inputs.includes(axis))!;
    const [of, gradient] = result === "" ? [free, tf.reshape(dy as tf.Tensor, [1])] : [result, dy as tf.Tensor];
    const gradientOf = (operand: number) => () => {
      const [term, x] = [terms[operand]!, operands[operand]!];
      const others = terms.toSpliced(operand, 1);
      const known = [...term].filter((axis) => of.includes(axis) || others.some((other) => other.includes(axis)));
      const equation = `${[of, ...others].join(",")}->${known.join("")}`;
      const found = tf.einsum(equation, gradient, ...operands.toSpliced(operand, 1));
      const kept = x.shape.map((size, axis) => (known.includes(term[axis]!) ? size : 1));
      return tf.broadcastTo(tf.reshape(found, kept), x.shape);
    };
    return Object.fromEntries(terms.map((_, operand) => [operand, gradientOf(operand)]));
  },
});

// A truth changes at jumps alone.
for (const kernelName of ["Equal", "NotEqual", "Greater", "Less", "LessEqual"]) {
  tf.registerGradient({
    kernelName,
    inputsToSave: ["a", "b"],
    gradFunc: (_, [a, b]) => ({ a: () => tf.zeros(a!.shape), b: () => tf.zeros(b!.shape) }),
  });
}
