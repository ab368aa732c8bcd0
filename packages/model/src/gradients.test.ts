import {
  eager,
  gelu,
  geluTanh,
  generator,
  type Jit,
  jit,
  layerNorm,
  ndarray,
  type NDArray,
  sizeOf,
  softmaxCrossEntropy,
  tf,
} from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { lookup } from "./embedding.ts";

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("%s", (_, run) => {
  it("gelu is x·Φ(x)", async () => {
    const { data } = await run(({ x }: { x: tf.Tensor2D }) => gelu(x))({ x: matrix([[-3, -1, 0, 0.5, 2]]) });
    expect(worstGap(data, [-0.00404951, -0.15865525, 0, 0.34573123, 1.95449974])).toBeLessThan(1e-6);
  });

  it("gelu by tanh is Hugging Face's gelu_new", async () => {
    const { data } = await run(({ x }: { x: tf.Tensor2D }) => geluTanh(x))({ x: matrix([[-3, -1, 0, 0.5, 2]]) });
    expect(worstGap(data, [-0.00363739, -0.15880801, 0, 0.345714, 1.9545977])).toBeLessThan(1e-6);
  });

  it("layer norm has mean 0 and variance 1 before weight and bias", async () => {
    const inputs = {
      x: matrix([[1, 2, 3, 6]]),
      weight: ndarray(Float32Array.of(1, 1, 2, 1)),
      bias: vector(0, 0, 0, 5),
    };
    const { data } = await run((t: { x: tf.Tensor2D; weight: tf.Tensor; bias: tf.Tensor }) =>
      layerNorm(t.x, t.weight, t.bias, 1e-12),
    )(inputs);
    const sigma = Math.sqrt(3.5);
    expect(worstGap(data, [-2 / sigma, -1 / sigma, 0, 3 / sigma + 5])).toBeLessThan(1e-6);
  });

  it("cross entropy is −log of the label's probability", async () => {
    const inputs = { logits: matrix([[0, Math.log(3)], [1000, 0]]), labels: ndarray(Int32Array.of(1, 0)) }; // prettier-ignore
    const { data } = await run((t: { logits: tf.Tensor2D; labels: tf.Tensor1D }) =>
      softmaxCrossEntropy(t.logits, t.labels),
    )(inputs);
    expect(worstGap(data, [Math.log(4 / 3), 0])).toBeLessThan(1e-6);
  });

  it("gradients by hand equal finite differences", async () => {
    const labels = ndarray(Int32Array.of(2, 0, 4, 1));
    expect(await gradientError(run, [4, 5], {}, (x) => gelu(x))).toBeLessThan(5e-4);
    expect(await gradientError(run, [4, 5], {}, (x) => geluTanh(x))).toBeLessThan(5e-4);
    expect(
      await gradientError(run, [4, 5], { labels }, (x, t) => softmaxCrossEntropy(x, t["labels"] as tf.Tensor1D)),
    ).toBeLessThan(5e-4);
    const affine = { weight: random([5], 3), bias: random([5], 4) };
    expect(
      await gradientError(run, [4, 5], affine, (x, t) => layerNorm(x, t["weight"]!, t["bias"]!, 1e-12)),
    ).toBeLessThan(1e-3);
    const rows = random([4, 5], 5);
    expect(
      await gradientError(run, [1, 5], { rows }, (w, t) =>
        layerNorm(t["rows"] as tf.Tensor2D, w, tf.zeros([5]), 1e-12),
      ),
    ).toBeLessThan(5e-4);
    expect(
      await gradientError(run, [1, 5], { rows }, (b, t) => layerNorm(t["rows"] as tf.Tensor2D, tf.ones([5]), b, 1e-12)),
    ).toBeLessThan(5e-4);
    expect(
      await gradientError(run, [5, 3], { labels }, (table, t) => lookup(table, t["labels"] as tf.Tensor1D)),
    ).toBeLessThan(5e-4);
  });

  it("a padding token gives its embedding no gradient", async () => {
    const gradient = run(({ table, ids }: { table: tf.Tensor2D; ids: tf.Tensor1D }) =>
      tf.grad((table) => tf.sum(lookup(table as tf.Tensor2D, ids, 0)))(table),
    );
    const { data } = await gradient({ table: random([3, 2], 1), ids: ndarray(Int32Array.of(0, 2, 0, 2, 1)) });
    expect([...data]).toStrictEqual([0, 0, 1, 1, 2, 2]);
  });
});

type Others = Record<string, tf.Tensor>;

/** Largest difference of d(Σ fn(x)∘noise)/dx from central differences, both by `run` in float32. */
async function gradientError(
  run: Jit,
  shape: number[],
  others: Record<string, NDArray>,
  fn: (x: tf.Tensor2D, others: Others) => tf.Tensor,
): Promise<number> {
  // Noise, since a plain sum hides errors: the sum of a normalised row is 0 whatever the input.
  const total = (x: tf.Tensor2D, t: Others): tf.Scalar => {
    const y = fn(x, t);
    const noise = tf.reshape(tf.tensor1d(Float32Array.from(random([y.size], 9).data)), y.shape);
    return tf.sum<tf.Scalar>(tf.mul(y, noise));
  };
  const value = run(({ x, ...t }: Others) => total(x as tf.Tensor2D, t));
  const gradient = run(({ x, ...t }: Others) => tf.grad((x) => total(x as tf.Tensor2D, t))(x!));
  const x = random(shape, 1);
  const analytic = await gradient({ x, ...others });
  const step = 2 ** -7;
  let worst = 0;
  for (let i = 0; i < x.data.length; i++) {
    const at = async (offset: number): Promise<number> => {
      const moved = Float32Array.from(x.data);
      moved[i]! += offset;
      return (await value({ x: ndarray(moved, shape), ...others })).data[0]!;
    };
    // Fourth order: the steps can be large enough for float32.
    const [far, near, nearBack, farBack] = [await at(2 * step), await at(step), await at(-step), await at(-2 * step)];
    const numeric = (8 * (near - nearBack) - (far - farBack)) / (12 * step);
    worst = Math.max(worst, Math.abs(analytic.data[i]! - numeric));
  }
  return worst;
}

function random(shape: number[], seed: number): NDArray {
  const { normal } = generator(seed);
  return ndarray(Float32Array.from({ length: sizeOf(shape) }, normal), shape);
}

const matrix = (rows: number[][]): NDArray => ndarray(Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]);
const vector = (...values: number[]): NDArray => ndarray(Float32Array.from(values));

function worstGap(actual: ArrayLike<number>, expected: number[]): number {
  expect(actual).toHaveLength(expected.length);
  return Math.max(...expected.map((value, index) => Math.abs(actual[index]! - value)));
}
