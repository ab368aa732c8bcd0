import type { Jit } from "../jit.ts";
import { ndarray } from "../ndarray.ts";
import { tf } from "../tf.ts";
import { valueAndGradients } from "../gradients.ts";

const SIZE = 64;

/**
 * Runs a small function, gradient and all, whose result is known.
 *
 * @throws Error where the result is another one
 */
export async function check(jit: Jit, precision = 32): Promise<void> {
  // y = Σ (a bᵀ)² over matrices of ones and twos: every element of a bᵀ is 2·SIZE.
  const compiled = jit(({ a, b }: { a: tf.Tensor2D; b: tf.Tensor2D }) => {
    const square = ({ a }: { a: tf.Tensor2D }) => tf.sum<tf.Scalar>(tf.square(tf.matMul(a, b, false, true)));
    const { value, gradients } = valueAndGradients(square, { a });
    return { value, gradient: gradients["a"] as tf.Tensor };
  });
  try {
    const filled = (value: number) => ndarray(new Float32Array(SIZE * SIZE).fill(value), [SIZE, SIZE]);
    const { value, gradient } = await compiled({ a: filled(1), b: filled(2) });
    const off = Math.abs(value.data[0]! / (4 * SIZE ** 4) - 1) + Math.abs(gradient.data[0]! / (8 * SIZE ** 2) - 1);
    if (!(off < (precision === 16 ? 1e-2 : 1e-5))) throw new Error(`it computes wrongly: a known sum is off by ${off}`);
  } finally {
    await compiled.dispose();
  }
}
