import { linear } from "@pruning-bias/model";
import { eager, generator, jit, ndarray, type NDArray, tf, valueAndGradients } from "@pruning-bias/runtime";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { farFrom } from "../test/fixtures.ts";
import { maskLinear } from "./masked-linear.ts";
import { binarise, type MethodName } from "./methods.ts";

type Tensors = Readonly<Record<string, tf.Tensor>>;

const few = fc.integer({ min: 1, max: 3 });
const problem = fc.record({
  grid: fc.tuple(few, few),
  block: fc.tuple(few, few),
  count: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(1000),
  biasMask: fc.boolean(),
  method: fc.constantFrom<MethodName>("sigmoid_threshold", "threshold", "topK", "l0"),
  threshold: fc.constantFrom(0, 0.3, 0.5, 0.9, 1),
});

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("a masked linear layer (%s)", (_, compile) => {
  test("agrees with plain loops, with all gradients, for any grid and block", async () => {
    const agrees = async ({
      grid,
      block,
      count,
      seed,
      biasMask,
      method,
      threshold,
    }: typeof problem extends fc.Arbitrary<infer P> ? P : never) => {
      const shape = [grid[0] * block[0], grid[1] * block[1]] as const;
      const { normal } = generator(seed);
      const draw = (...shape: number[]) =>
        ndarray(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, normal), shape);
      const inputs = {
        scores: draw(...grid),
        weight: draw(...shape),
        bias: draw(shape[0]),
        x: draw(count, shape[1]),
        dy: draw(count, shape[0]),
      };
      const run = compile(({ dy, ...parameters }: Tensors) => {
        const forward = ({ scores, weight, bias, x }: Tensors) => {
          const mask = binarise(scores!, tf.scalar(threshold), { method, minElements: 0 });
          const masked = maskLinear({ weight: weight!, bias: bias! }, mask, { biasMask });
          return linear(x as tf.Tensor2D, masked.weight as tf.Tensor2D, masked.bias!, masked.gate);
        };
        const { gradients } = valueAndGradients((leaves) => tf.sum(tf.mul(forward(leaves), dy!)), parameters);
        return { y: forward(parameters), ...gradients };
      });
      const actual = (await run(inputs)) as Record<string, NDArray>;
      await run.dispose();
      const expected = loops(inputs, { grid, shape, count, biasMask, method, threshold });
      expect(farFrom(actual, Object.entries(expected), 1e-5)).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(problem, agrees), { numRuns: 60, seed: 1 });
  });
});

interface Size {
  readonly grid: readonly [number, number];
  readonly shape: readonly [number, number];
  readonly count: number;
  readonly biasMask: boolean;
  readonly method: MethodName;
  readonly threshold: number;
}

/** M of scores, and dM/dS as the gradient takes it: 1 straight through, its own for l0. */
const formulas: Record<string, (S: ArrayLike<number>, threshold: number) => { mask: number[]; slope: number[] }> = {
  sigmoid_threshold: (S, threshold) => straightThrough(Array.from(S, (s) => Number(sigmoid(s) > threshold))),
  threshold: (S, threshold) => straightThrough(Array.from(S, (s) => Number(s > threshold))),
  topK: (S, density) => {
    const order = Array.from(S, (_, i) => i).toSorted((a, b) => S[b]! - S[a]! || a - b);
    const kept = new Set(order.slice(0, Math.floor(density * S.length)));
    return straightThrough(order.map((_, i) => Number(kept.has(i))));
  },
  l0: (S) => {
    const stretched = Array.from(S, (s) => 1.2 * sigmoid(s) - 0.1);
    return {
      mask: stretched.map((m) => Math.min(1, Math.max(0, m))),
      slope: stretched.map((m, i) => (m < 0 || m > 1 ? 0 : 1.2 * sigmoid(S[i]!) * (1 - sigmoid(S[i]!)))),
    };
  },
};

const sigmoid = (s: number) => 1 / (1 + Math.exp(-s));
const straightThrough = (mask: number[]) => ({ mask, slope: mask.map(() => 1) });

/** REFERENCE formulas, one multiplication at a time. */
function loops(inputs: Record<"scores" | "weight" | "bias" | "x" | "dy", NDArray>, size: Size) {
  const { grid, shape, count, biasMask, method, threshold } = size;
  const [outputs, width] = shape;
  const [S, W, b, x, dy] = [inputs.scores, inputs.weight, inputs.bias, inputs.x, inputs.dy].map(({ data }) => data) as [
    ...Float32Array[],
  ] as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
  const out = {
    y: new Float64Array(count * outputs),
    scores: new Float64Array(S.length),
    weight: new Float64Array(W.length),
    bias: new Float64Array(b.length),
    x: new Float64Array(x.length),
  };
  const score = (i: number, j: number) =>
    Math.floor((i * grid[0]) / outputs) * grid[1] + Math.floor((j * grid[1]) / width);
  const { mask, slope } = formulas[method]!(S, threshold);
  for (let i = 0; i < outputs; i++) {
    let rowOpen = biasMask ? 0 : 1;
    for (let j = 0; j < width; j++) rowOpen = Math.max(rowOpen, Number(mask[score(i, j)]! > 0));
    for (let t = 0; t < count; t++) {
      const d = dy[t * outputs + i]!;
      out.y[t * outputs + i]! += rowOpen * b[i]!;
      out.bias[i]! += rowOpen * d;
      for (let j = 0; j < width; j++) {
        const [w, m, v] = [W[i * width + j]!, mask[score(i, j)]!, x[t * width + j]!];
        out.y[t * outputs + i]! += m * w * v;
        out.scores[score(i, j)]! += slope[score(i, j)]! * d * v * w;
        out.weight[i * width + j]! += m * d * v;
        out.x[t * width + j]! += m * d * w;
      }
    }
  }
  return out;
}

test("a mask whose blocks do not divide the weight is refused", () => {
  const masked = () => maskLinear({ weight: tf.zeros([4, 6]) }, tf.ones([3, 2]), { biasMask: true });
  expect(masked).toThrow("maskLinear: expected a mask of equal blocks over a weight [4, 6], got [3, 2]");
});
