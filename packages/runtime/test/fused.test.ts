import { describe, expect, it } from "vitest";
import {
  attention,
  attentionProbabilities,
  eager,
  gelu,
  generator,
  jit,
  ndarray,
  type NDArray,
  type Random,
  tf,
  valueAndGradients,
} from "../src/index.ts";
import { expectClose } from "./close.ts";

type Tensors = Readonly<Record<string, tf.Tensor>>;
type Fn = (inputs: Tensors, random: Random) => tf.Tensor;

const [B, H, Q, S, d] = [2, 3, 4, 5, 6];
const bias = ndarray(Float32Array.of(0, 0, 0, 0, -1e9, 0, 0, 0, -1e9, -1e9), [B, 1, 1, S]);
const qkv = { q: normal(1, B, H, Q, d), k: normal(2, B, H, S, d), v: normal(3, B, H, S, d) };

/** Each fused piece, the formula it stands for, and its inputs; `bias` gets no gradient. */
const pieces: [name: string, fused: Fn, composed: Fn, inputs: Record<string, NDArray>][] = [
  ["attention", ({ q, k, v }) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D), composed, qkv],
  [
    "attention under a bias",
    ({ q, k, v, bias }) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, { bias }),
    composed,
    { ...qkv, bias },
  ],
  [
    "attention with dropout",
    ({ q, k, v, bias }, random) =>
      attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, {
        bias,
        mask: random.dropoutMask([B, H, Q, S], 0.4),
      }),
    (inputs, random) => tf.matMul(random.dropout(probabilities(inputs), 0.4), inputs["v"]!),
    { ...qkv, bias },
  ],
  [
    "attention probabilities",
    ({ q, k, bias }) => attentionProbabilities(q as tf.Tensor4D, k as tf.Tensor4D, bias),
    probabilities,
    { q: qkv.q, k: qkv.k, bias },
  ],
  [
    "gelu",
    ({ x }) => gelu(x as tf.Tensor2D),
    ({ x }) => tf.mul(tf.mul(x!, 0.5), tf.add(tf.erf(tf.div(x!, Math.SQRT2)), 1)),
    { x: normal(4, 7, 9) },
  ],
];

describe.each([
  ["eager", eager],
  ["compiled", jit],
] as const)("%s", (_, on) => {
  it.each(pieces)("%s is its formula, gradients too", async (__, fused, formula, inputs) => {
    const key = { seed: 5, counter: 2 };
    const got = await on(withGradients(fused))(inputs, key);
    expectClose(got, await eager(withGradients(formula))(inputs, key));
    expect(Object.keys(got)).toHaveLength(Object.keys(inputs).filter((name) => name !== "bias").length + 1);
  });
});

function probabilities({ q, k, bias }: Tensors): tf.Tensor {
  const logits = tf.mul(tf.matMul(q!, k!, false, true), 1 / Math.sqrt(d));
  return tf.softmax(bias === undefined ? logits : tf.add(logits, bias));
}

function composed(inputs: Tensors): tf.Tensor {
  return tf.matMul(probabilities(inputs), inputs["v"]!);
}

/** A value, and the gradients of its sum under uneven weights. */
function withGradients(fn: Fn) {
  return (inputs: Tensors, random: Random): Tensors => {
    let y: tf.Tensor | undefined;
    const { bias, ...parameters } = inputs;
    const { gradients } = valueAndGradients((parameters: Tensors) => {
      y = fn({ ...parameters, ...(bias && { bias }) }, random);
      const weights = Float32Array.from({ length: y.size }, (_, i) => 0.5 + ((i * 7) % 5) / 4);
      return tf.sum<tf.Scalar>(tf.mul(y, tf.tensor(weights, y.shape)));
    }, parameters);
    return { y: y!, ...Object.fromEntries(Object.entries(gradients).map(([name, g]) => [`d${name}`, g])) };
  };
}

function normal(seed: number, ...shape: number[]): NDArray {
  const random = generator(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return ndarray(Float32Array.from({ length: size }, random.normal), shape);
}
