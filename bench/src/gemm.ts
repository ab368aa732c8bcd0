import { compiler, ndarray, tf } from "@pruning-bias/runtime";
import type { Flags } from "./flags.ts";
import { median, round } from "./measure.ts";

/** Pairs of products in one call: what goes in and out is small beside them. */
const PAIRS = 5;

/** Rate of the matrix products of a feed-forward network inside a graph: 2048×768 by 768×3072, and back. */
export async function gemm({ steps, threads }: Pick<Flags, "steps" | "threads">) {
  const [rows, inner, columns] = [2048, 768, 3072];
  const products = compiler({ threads: Number(threads) })(
    ({ x, up, down }: { x: tf.Tensor2D; up: tf.Tensor2D; down: tf.Tensor2D }) =>
      Array.from({ length: PAIRS }).reduce(
        (y: tf.Tensor2D) => tf.matMul(tf.matMul<tf.Tensor2D>(y, up), down) as tf.Tensor2D,
        x,
      ),
  );
  const matrix = (height: number, width: number) =>
    ndarray(
      Float32Array.from({ length: height * width }, (_, i) => ((i % 7) - 3) / inner),
      [height, width],
    );
  const inputs = { x: matrix(rows, inner), up: matrix(inner, columns), down: matrix(columns, inner) };
  const into = await products(inputs);
  const seconds = [];
  for (let run = 0; run < Math.max(5, Number(steps)); run++) {
    const start = performance.now();
    await products(inputs, undefined, into);
    seconds.push((performance.now() - start) / 1000 / (2 * PAIRS));
  }
  await products.dispose();
  const middle = median(seconds);
  return { median_seconds: round(middle), gflops: Math.round((2 * rows * inner * columns) / middle / 1e9) };
}
