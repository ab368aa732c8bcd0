import { compiler, ndarray, tf } from "@pruning-bias/runtime";
import type { Flags } from "./main.ts";
import { median, round } from "./measure.ts";

/** Rate of a matrix product of a feed-forward network, 2048×768 by 768×3072, into an array that is there already. */
export async function gemm({ steps, threads }: Pick<Flags, "steps" | "threads">) {
  const [rows, inner, columns] = [2048, 768, 3072];
  const product = compiler({ threads: Number(threads) })(({ a, b }: { a: tf.Tensor2D; b: tf.Tensor2D }) =>
    tf.matMul(a, b),
  );
  const matrix = (height: number, width: number) =>
    ndarray(
      Float32Array.from({ length: height * width }, (_, i) => (i % 7) - 3),
      [height, width],
    );
  const inputs = { a: matrix(rows, inner), b: matrix(inner, columns) };
  const into = await product(inputs);
  const seconds = [];
  for (let run = 0; run < Math.max(21, Number(steps)); run++) {
    const start = performance.now();
    await product(inputs, undefined, into);
    seconds.push((performance.now() - start) / 1000);
  }
  const middle = median(seconds);
  return { median_seconds: round(middle), gflops: Math.round((2 * rows * inner * columns) / middle / 1e9) };
}
