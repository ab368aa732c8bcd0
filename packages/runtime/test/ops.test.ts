import { describe, expect, it } from "vitest";
import { eager, generator, jit, ndarray, type NDArray, tf, valueAndGradients } from "../src/index.ts";
import { expectClose } from "./close.ts";

type Op = (...inputs: never[]) => tf.Tensor | tf.Tensor[];

/** Every op that can be compiled: a name, the op, its inputs, and whether it has a gradient. */
const table: [name: string, op: Op, inputs: NDArray[], differentiable?: boolean][] = [
  ["add", tf.add, [floats(2, 3), floats(2, 3)], true],
  ["add, broadcast", tf.add, [floats(2, 3), floats(3)], true],
  ["add, int32", tf.add, [ints(2, 3), ints(2, 3)]],
  ["sub", tf.sub, [floats(4, 1), floats(1, 3)], true],
  ["mul", tf.mul, [floats(2, 3), floats()], true],
  ["div", tf.div, [floats(2, 3), positive(2, 3)], true],
  ["maximum", tf.maximum, [floats(2, 3), positive(2, 3)], true],
  ["minimum", tf.minimum, [floats(2, 3), positive(2, 3)], true],
  ["maximum, broadcast", tf.maximum, [floats(2, 3), positive(3)], true],
  ["minimum, broadcast", tf.minimum, [floats(2, 1), positive(3)], true],
  ["pow", (x: tf.Tensor) => tf.pow(x, 3), [positive(2, 3)], true],
  ["squaredDifference", tf.squaredDifference, [floats(2, 3), floats(2, 3)], true],
  ["greater", tf.greater, [floats(2, 3), floats(3)]],
  ["greaterEqual, int32", tf.greaterEqual, [ints(2, 3), ints(2, 3)]],
  ["less", tf.less, [floats(2, 3), floats(2, 3)]],
  ["lessEqual", tf.lessEqual, [floats(2, 3), floats(2, 3)]],
  ["equal", tf.equal, [ints(2, 3), ints(2, 3)]],
  ["notEqual", tf.notEqual, [ints(2, 3), ints(2, 3)]],
  [
    "logical",
    (a: tf.Tensor, b: tf.Tensor) => tf.logicalOr(tf.logicalAnd(a, b), tf.logicalNot(a)),
    [bools(5), bools(5)],
  ],
  ["where", tf.where, [bools(2, 3), floats(2, 3), floats(2, 3)]],
  ["abs", tf.abs, [floats(2, 3)], true],
  ["ceil and floor", (x: tf.Tensor) => tf.add(tf.ceil(x), tf.floor(x)), [floats(2, 3)]],
  ["round", tf.round, [ndarray(Float32Array.of(-1.5, -0.5, 0.5, 1.5, 2.5, 2.6))]],
  ["sin, cos, tan", (x: tf.Tensor) => tf.add(tf.sin(x), tf.mul(tf.cos(x), tf.tan(x))), [floats(2, 3)], true],
  ["exp and expm1", (x: tf.Tensor) => tf.mul(tf.exp(x), tf.expm1(x)), [floats(2, 3)], true],
  ["log and log1p", (x: tf.Tensor) => tf.mul(tf.log(x), tf.log1p(x)), [positive(2, 3)], true],
  ["erf", tf.erf, [floats(2, 3)], true],
  ["neg", tf.neg, [floats(2, 3)], true],
  ["reciprocal", tf.reciprocal, [positive(2, 3)], true],
  ["relu", tf.relu, [floats(2, 3)], true],
  ["relu6", (x: tf.Tensor) => tf.relu6(tf.mul(x, 5)), [floats(2, 3)], true],
  ["leakyRelu", (x: tf.Tensor) => tf.leakyRelu(x, 0.1), [floats(2, 3)], true],
  ["elu", tf.elu, [floats(2, 3)], true],
  ["selu", tf.selu, [floats(2, 3)], true],
  [
    "inverse trigonometry",
    (x: tf.Tensor) => tf.addN([tf.asin(tf.mul(x, 0.4)), tf.acos(tf.mul(x, 0.4)), tf.atan(x)]),
    [floats(2, 3)],
    true,
  ],
  ["hyperbolic", (x: tf.Tensor) => tf.add(tf.sinh(x), tf.cosh(x)), [floats(2, 3)], true],
  [
    "inverse hyperbolic",
    (x: tf.Tensor) => tf.addN([tf.asinh(x), tf.atanh(tf.mul(x, 0.4)), tf.acosh(tf.add(x, 4))]),
    [floats(2, 3)],
    true,
  ],
  ["sigmoid", tf.sigmoid, [floats(2, 3)], true],
  ["sign and step", (x: tf.Tensor) => tf.add(tf.sign(x), tf.step(x)), [floats(2, 3)]],
  ["softplus", tf.softplus, [floats(2, 3)], true],
  ["sqrt and rsqrt", (x: tf.Tensor) => tf.add(tf.sqrt(x), tf.rsqrt(x)), [positive(2, 3)], true],
  ["square", tf.square, [floats(2, 3)], true],
  ["tanh", tf.tanh, [floats(2, 3)], true],
  ["clipByValue", (x: tf.Tensor) => tf.clipByValue(x, -0.3, 0.4), [floats(2, 3)], true],
  ["isNaN", tf.isNaN, [ndarray(Float32Array.of(1, NaN, Infinity))]],
  ["isInf", tf.isInf, [ndarray(Float32Array.of(1, NaN, Infinity, -Infinity))]],
  ["isFinite", tf.isFinite, [ndarray(Float32Array.of(1, NaN, Infinity, -Infinity))]],
  ["topk", (x: tf.Tensor) => Object.values(tf.topk(x, 3)), [floats(2, 3, 5)]],
  ["topk, equal values", (x: tf.Tensor) => Object.values(tf.topk(x, 4)), [ndarray(Float32Array.of(1, 2, 2, 0, 2, 1))]],
  ["cast", (x: tf.Tensor) => tf.add(tf.cast(x, "float32"), tf.cast(tf.cast(x, "bool"), "float32")), [ints(2, 3)]],
  ["sum of an axis", (x: tf.Tensor) => tf.sum(x, 1), [floats(2, 3, 4)], true],
  ["sum, dimensions kept", (x: tf.Tensor) => tf.sum(x, [0, 2], true), [floats(2, 3, 4)], true],
  ["sum of everything", (x: tf.Tensor) => tf.sum(x), [floats(2, 3, 4)], true],
  ["sum of truths", (x: tf.Tensor) => tf.sum(x), [bools(7)]],
  ["mean", (x: tf.Tensor) => tf.mean(x, -1), [floats(2, 3, 4)], true],
  ["max", (x: tf.Tensor) => tf.max(x, 1), [floats(2, 3, 4)], true],
  ["min, dimensions kept", (x: tf.Tensor) => tf.min(x, 0, true), [floats(2, 3)], true],
  ["any and all", (x: tf.Tensor) => tf.logicalAnd(tf.any(x, 1), tf.all(x, 1)), [bools(4, 3)]],
  ["argMax", (x: tf.Tensor) => tf.argMax(x, 1), [floats(4, 3)]],
  ["argMin", (x: tf.Tensor) => tf.argMin(x, 0), [floats(4, 3)]],
  ["cumsum", (x: tf.Tensor) => tf.cumsum(x, 1, true), [floats(2, 5)], true],
  ["softmax", (x: tf.Tensor) => tf.softmax(x), [floats(2, 3, 5)], true],
  ["logSoftmax", (x: tf.Tensor) => tf.logSoftmax(x), [floats(2, 5)], true],
  ["reshape", (x: tf.Tensor) => tf.reshape(x, [3, -1]), [floats(2, 3, 4)], true],
  [
    "expandDims and squeeze",
    (x: tf.Tensor) => tf.squeeze(tf.expandDims(tf.expandDims(x, 1), -1)),
    [floats(2, 3)],
    true,
  ],
  ["transpose", (x: tf.Tensor) => tf.transpose(x, [2, 0, 1]), [floats(2, 3, 4)], true],
  ["slice", (x: tf.Tensor) => tf.slice(x, [0, 1], [-1, 2]), [floats(3, 4)], true],
  ["concat", (a: tf.Tensor, b: tf.Tensor) => tf.concat([a, b], 1), [floats(2, 3), floats(2, 2)], true],
  ["stack", (a: tf.Tensor, b: tf.Tensor) => tf.stack([a, b], 1), [floats(2, 3), floats(2, 3)], true],
  ["unstack", (x: tf.Tensor) => tf.unstack(x, 1), [floats(2, 3)]],
  [
    "stack, unstack and split along the last axis",
    (x: tf.Tensor) => tf.stack(tf.unstack(tf.split(x, 3, -1)[1]!, -1), -1),
    [floats(2, 6)],
  ],
  [
    "stack of new last axis",
    (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.stack([a, b], -1), 1),
    [floats(2, 3), floats(2, 3)],
  ],
  [
    "gather along the last axis",
    (x: tf.Tensor, at: tf.Tensor) => tf.sum(tf.gather(x, at as tf.Tensor1D, -1), 1),
    [floats(3, 4), ints(5)],
  ],
  ["clipByValue, int32", (x: tf.Tensor) => tf.clipByValue(x, 1, 2), [ints(2, 3)]],
  ["split", (x: tf.Tensor) => tf.split(x, [1, 2], 1), [floats(2, 3)]],
  [
    "pad",
    (x: tf.Tensor) =>
      tf.pad(
        x,
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
    [floats(2, 3)],
    true,
  ],
  ["tile", (x: tf.Tensor) => tf.tile(x, [2, 3]), [floats(2, 3)], true],
  ["broadcastTo", (x: tf.Tensor) => tf.broadcastTo(x, [4, 2, 3]), [floats(2, 1)], true],
  [
    "fill, zeros, ones, range",
    (x: tf.Tensor) => tf.addN([x, tf.fill([2], 3), tf.zerosLike(x), tf.onesLike(x), tf.range(0, 2)]),
    [floats(2)],
  ],
  ["oneHot", (x: tf.Tensor) => tf.oneHot(x, 4), [ints(2, 3)]],
  ["reverse", (x: tf.Tensor) => tf.reverse(x, [0, -1]), [floats(2, 3, 4)], true],
  ["reverse, int32", (x: tf.Tensor) => tf.reverse(x), [ints(3, 4)]],
  ["mod", (x: tf.Tensor) => tf.mod(x, tf.tensor([0.7, -0.4, 0.3])), [floats(4, 3)], true],
  ["mod, int32", (x: tf.Tensor) => tf.mod(tf.sub(x, tf.scalar(2, "int32")), tf.scalar(3, "int32")), [ints(3, 4)]],
  ["floorDiv", (x: tf.Tensor) => tf.floorDiv(tf.sub(x, tf.scalar(2, "int32")), tf.scalar(3, "int32")), [ints(3, 4)]],
  ["gatherND", (x: tf.Tensor) => tf.gatherND(x, tf.tensor2d([2, 0, 1, 3], [2, 2], "int32")), [floats(3, 4, 2)]],
  ["matMul", tf.matMul, [floats(3, 4), floats(4, 2)], true],
  [
    "matMul, transposed",
    (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, true, true),
    [floats(4, 3), floats(2, 4)],
    true,
  ],
  [
    "matMul of batches",
    (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, false, true),
    [floats(2, 3, 4, 5), floats(2, 3, 6, 5)],
    true,
  ],
  [
    "matMul of batches, first transposed",
    (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, true),
    [floats(2, 4, 5), floats(2, 4, 3)],
    true,
  ],
  [
    "matMul of a batch with one matrix",
    (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b),
    [floats(2, 4, 5), floats(1, 5, 3)],
  ],
  ["gather rows", (x: tf.Tensor, at: tf.Tensor) => tf.gather(x, at as tf.Tensor1D), [floats(4, 3), ints(2, 3)], true],
  [
    "gather columns",
    (x: tf.Tensor, at: tf.Tensor) => tf.gather(x, at as tf.Tensor1D, 1),
    [floats(3, 4), ints(5)],
    true,
  ],
  [
    "unsortedSegmentSum",
    (x: tf.Tensor, at: tf.Tensor) => tf.unsortedSegmentSum(x, at as tf.Tensor1D, 4),
    [floats(6, 3), ints(6)],
  ],
];

describe("compiled equals eager", () => {
  it.each(table)("%s", async (_, op, inputs) => {
    const fn = (tensors: tf.Tensor[]) => op(...(tensors as never[]));
    expectClose(await jit(fn)(inputs), await eager(fn)(inputs));
  });

  it.each(table.filter(([, , , differentiable]) => differentiable))("gradient of %s", async (_, op, inputs) => {
    const gradient = gradientOf(op, inputs);
    expectClose(await jit(gradient)(inputs), await eager(gradient)(inputs));
  });
});

it.each(table.filter(([, , , differentiable]) => differentiable))(
  "the gradient of %s is that of finite differences",
  async (_, op, inputs) => {
    const { value, gradients } = await eager(gradientOf(op, inputs))(inputs);
    expect(Number.isFinite(value.data[0])).toBe(true);
    const loss = eager((tensors: tf.Tensor[]) => weighted(op(...(tensors as never[])) as tf.Tensor));
    const step = 1e-2;
    for (const [index, { data }] of inputs.entries()) {
      if (!(data instanceof Float32Array)) continue;
      for (let i = 0; i < data.length; i++) {
        const at = async (shift: number) => {
          const moved = Float32Array.from(data);
          moved[i]! += shift;
          return (await loss(inputs.with(index, { ...inputs[index]!, data: moved }))).data[0]!;
        };
        const difference = ((await at(step)) - (await at(-step))) / (2 * step);
        expect(Math.abs(gradients[index]!.data[i]! - difference)).toBeLessThan(
          0.02 * Math.max(1, Math.abs(difference)),
        );
      }
    }
  },
);

function gradientOf(op: Op, inputs: readonly NDArray[]) {
  return (tensors: tf.Tensor[]) => {
    const trained = Object.fromEntries(tensors.flatMap((x, i) => (inputs[i]!.dtype === "float32" ? [[i, x]] : [])));
    return valueAndGradients(
      (parameters: Record<string, tf.Tensor>) =>
        weighted(op(...(tensors.map((x, i) => parameters[i] ?? x) as never[])) as tf.Tensor),
      trained,
    );
  };
}

// A sum under uneven weights, so that gradients differ between elements.
function weighted(x: tf.Tensor): tf.Scalar {
  const weights = Float32Array.from({ length: x.size }, (_, i) => 0.5 + ((i * 7) % 5) / 4);
  return tf.sum(tf.mul(x, tf.tensor(weights, x.shape)));
}

function floats(...shape: number[]): NDArray {
  const random = generator(shape.length * 31 + (shape[0] ?? 0));
  const size = shape.reduce((a, b) => a * b, 1);
  // Kept away from 0 and from each other, where some of these have kinks.
  const values = Array.from(
    { length: size },
    (_, i) => (i % 2 === 0 ? 1 : -1) * (0.15 + (i * 1.7) / size + 0.04 * random.uniform()),
  );
  return ndarray(Float32Array.from(values), shape);
}

function positive(...shape: number[]): NDArray {
  const { data } = floats(...shape);
  return ndarray(
    Float32Array.from(data, (x) => Math.abs(x) + 0.2),
    shape,
  );
}

function ints(...shape: number[]): NDArray {
  const size = shape.reduce((a, b) => a * b, 1);
  return ndarray(
    Int32Array.from({ length: size }, (_, i) => (i * 3) % 4),
    shape,
  );
}

function bools(...shape: number[]): NDArray {
  const size = shape.reduce((a, b) => a * b, 1);
  return ndarray(
    Uint8Array.from({ length: size }, (_, i) => Number(i % 3 !== 1)),
    shape,
  );
}
