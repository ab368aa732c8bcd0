import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";
import { jit, ndarray, tf } from "@pruning-bias/runtime";

/** What this machine computes with: versions, cores, memory, and the measured rate of matrix products. */
export async function doctor(): Promise<Record<string, string | number>> {
  const require = createRequire(import.meta.resolve("@pruning-bias/runtime"));
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  const [rows, inner, columns] = [1024, 768, 3072];
  const product = jit(({ a, b }: { a: tf.Tensor2D; b: tf.Tensor2D }) => tf.sum(tf.matMul(a, b)));
  const inputs = {
    a: ndarray(new Float32Array(rows * inner).fill(0.5), [rows, inner]),
    b: ndarray(new Float32Array(inner * columns).fill(0.5), [inner, columns]),
  };
  await product(inputs);
  const times = [];
  for (let run = 0; run < 5; run++) {
    const start = performance.now();
    await product(inputs);
    times.push((performance.now() - start) / 1000);
  }
  const median = times.toSorted((a, b) => a - b)[2]!;
  await product.dispose();
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    "memory (GB)": Math.round(totalmem() / 1e9),
    "onnxruntime-node": version("onnxruntime-node"),
    "@tensorflow/tfjs": version("@tensorflow/tfjs"),
    backend: "onnxruntime on the processor",
    "matrix products (GFLOP/s)": Math.round((2 * rows * inner * columns) / median / 1e9),
  };
}
