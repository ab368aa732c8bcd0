import { tf, withGradient } from "@pruning-bias/runtime";
import { largestOfRows } from "./ranking.ts";

/**
 * The 2:4 mask of scores [out, in]: the two largest of each four along the input, among equals the first (Mishra et al.
 * 2021). While training also what is open at the temperature, M = max([σ(S) > T], top); straight-through gradient.
 *
 * @param temperature T, 0 … 1; in evaluation none
 * @throws RangeError where the inputs are not fours
 */
export function bestTwo(scores: tf.Tensor2D, temperature?: tf.Scalar): tf.Tensor2D {
  if (scores.shape.length !== 2 || scores.shape[1] % 4 !== 0)
    throw new RangeError(
      `bestTwo: expected scores [out, in] of fours along the input, got [${scores.shape.join(", ")}]`,
    );
  return withGradient((_, s: tf.Tensor2D) => {
    const top = tf.reshape(largestOfRows(tf.reshape(s, [s.size / 4, 4]), 2), s.shape);
    const open = temperature && tf.cast(tf.greater(tf.sigmoid(s), temperature), "int32");
    return { value: tf.cast(open ? tf.maximum(top, open) : top, "float32") as tf.Tensor2D, gradient: (dy) => dy };
  })(scores);
}

/** The six ways to keep two of four, in the order of annealed scores' last axis. */
export const patterns: readonly (readonly number[])[] = [
  [1, 1, 0, 0],
  [1, 0, 1, 0],
  [1, 0, 0, 1],
  [0, 1, 1, 0],
  [0, 1, 0, 1],
  [0, 0, 1, 1],
];

/**
 * The 2:4 mask [out, in] of scores [in, out/4, 6] of the six patterns: while training the mean of the patterns weighted by
 * softmax(T·S), with its true gradient; in evaluation the pattern of the largest score. As in nn_pruning, the fours run
 * along the *outputs*.
 *
 * @param temperature T; in evaluation none
 * @throws RangeError for scores of another shape
 */
export function annealed(scores: tf.Tensor3D, temperature?: tf.Scalar): tf.Tensor2D {
  const [inputs, fours, choices] = scores.shape;
  if (scores.shape.length !== 3 || choices !== patterns.length)
    throw new RangeError(`annealed: expected scores [in, out/4, 6], got [${scores.shape.join(", ")}]`);
  const flat = tf.reshape(scores, [inputs * fours, choices]) as tf.Tensor2D;
  const shares =
    temperature === undefined
      ? tf.cast(tf.oneHot(tf.argMax(flat, 1) as tf.Tensor1D, choices), "float32")
      : tf.softmax(tf.mul(flat, temperature));
  const mixed = tf.matMul(shares as tf.Tensor2D, tf.tensor2d(patterns.flat(), [choices, 4]));
  return tf.transpose(tf.reshape(mixed, [inputs, fours * 4]) as tf.Tensor2D);
}

/** `bestTwo` on the host, in evaluation. */
export function hostBestTwo(scores: Float32Array): Uint8Array {
  const mask = new Uint8Array(scores.length);
  for (let four = 0; four < scores.length; four += 4) {
    for (let i = four; i < four + 4; i++) {
      let ahead = 0;
      for (let j = four; j < four + 4; j++) {
        if (scores[j]! > scores[i]! || (scores[j] === scores[i] && j < i)) ahead++;
      }
      mask[i] = ahead < 2 ? 1 : 0;
    }
  }
  return mask;
}

/** `annealed` on the host, in evaluation. */
export function hostAnnealed(scores: Float32Array, [inputs, fours]: readonly number[]): Uint8Array {
  const mask = new Uint8Array(inputs! * fours! * 4);
  for (let at = 0; at < inputs! * fours!; at++) {
    const own = scores.subarray(at * patterns.length, (at + 1) * patterns.length);
    const best = patterns[own.indexOf(Math.max(...own))]!;
    const [input, first] = [Math.floor(at / fours!), (at % fours!) * 4];
    for (const [i, bit] of best.entries()) mask[(first + i) * inputs! + input] = bit;
  }
  return mask;
}
