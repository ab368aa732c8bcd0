import ort from "onnxruntime-node";
import { expect, test } from "vitest";
import {
  eager,
  generator,
  layerNorm,
  type ModelFunction,
  ndarray,
  type NDArray,
  onnxModel,
  sizeOf,
  tf,
} from "../src/index.ts";

const weights = {
  table: random([9, 6], 1),
  query: random([6, 6], 2),
  gain: random([6], 3),
  unused: random([2, 2], 4),
};
const sizes = [
  { batch: 2, sequence: 7 },
  { batch: 3, sequence: 6 },
  { batch: 5, sequence: 4 },
];
const inputs = { ids: ["batch", "sequence"], mask: ["batch", "sequence"] } as const;

/** One layer of attention with two heads, and a mean over the sequence. */
const attention: ModelFunction<"ids" | "mask", "states" | "means"> = ({ inputs: { ids, mask }, weights: w }) => {
  const [B, S] = ids.shape;
  const x = tf.gather(w["table"]!, tf.reshape(ids, [B * S]));
  const heads = (y: tf.Tensor) => tf.transpose(tf.reshape(y, [B, S, 2, 3]), [0, 2, 1, 3]);
  const bias = tf.reshape(tf.mul(tf.sub(1, tf.cast(mask, "float32")), -1e9), [B, 1, 1, S]);
  const q = heads(tf.matMul(x as tf.Tensor2D, w["query"] as tf.Tensor2D));
  const shares = tf.softmax(tf.add(tf.matMul(q, heads(x), false, true), bias));
  const mixed = tf.reshape(tf.transpose(tf.matMul(shares, heads(x)), [0, 2, 1, 3]), [B * S, 6]) as tf.Tensor2D;
  const states = tf.reshape(layerNorm(mixed, w["gain"]!, w["gain"]!, 1e-5), [B, S, 6]);
  return { states, means: tf.mean(states, 1) };
};

const bytes = onnxModel(attention, { inputs, weights, sizes });

test.each([
  [1, 1],
  [1, 5],
  [2, 7],
  [7, 2],
  [4, 64],
])("a model of open axes computes %i×%i as the function does", async (B, S) => {
  const ids = Int32Array.from({ length: B * S }, (_, i) => (i * 5) % 9);
  const mask = Int32Array.from({ length: B * S }, (_, i) => (i % S === 0 || i % 3 > 0 ? 1 : 0));
  const session = await ort.InferenceSession.create(bytes);
  const wide = (values: Int32Array) => new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [B, S]);
  const results = await session.run({ ids: wide(ids), mask: wide(mask) });
  await session.release();
  const expected = await eager(attention)({
    inputs: { ids: ndarray(ids, [B, S]), mask: ndarray(mask, [B, S]) },
    weights,
  });
  for (const name of ["states", "means"] as const) {
    expect(results[name]!.dims).toStrictEqual([...expected[name].shape]);
    const worst = Math.max(
      ...Array.from(expected[name].data, (value, i) => Math.abs(value - (results[name]!.data[i] as number))),
    );
    expect(worst).toBeLessThan(1e-5);
  }
});

test("a model holds the weights that it uses, under their names, and operators of ONNX alone", () => {
  const text = Buffer.from(bytes).toString("latin1");
  for (const name of ["table", "query", "gain", "batch", "sequence", "states", "means"]) expect(text).toContain(name);
  expect(text).not.toContain("unused");
  expect(text).not.toContain("com.microsoft");
});

test("what depends on the size otherwise than as a product is refused", () => {
  const longer: ModelFunction<"ids" | "mask", "y"> = ({ inputs: { ids } }) => ({ y: tf.pad(ids, [[0, 0], [0, ids.shape[1] + 1]]) }); // prettier-ignore
  expect(() => onnxModel(longer, { inputs, weights, sizes })).toThrow(
    "onnx: Pad: expected lengths that are products of the open axes, got [0,0,0,8] and [0,0,0,7] and [0,0,0,5]",
  );
  const other: ModelFunction<"ids" | "mask", "y"> = ({ inputs: { ids } }) => ({
    y: ids.shape[0] > 2 ? tf.neg(ids) : tf.abs(ids),
  });
  expect(() => onnxModel(other, { inputs, weights, sizes })).toThrow("the function does something else at another one");
  const counted: ModelFunction<"ids" | "mask", "y"> = ({ inputs: { ids } }) => ({
    y: tf.add(ids, tf.range(0, ids.shape[1], 1, "int32")),
  });
  expect(() => onnxModel(counted, { inputs, weights, sizes })).toThrow("onnx: Add: expected lengths");
});

test("weights beyond 2 GB are refused", () => {
  const huge = { ...weights, table: { dtype: "float32", shape: [9, 6], data: { byteLength: 2 ** 31 } } as never };
  expect(() => onnxModel(attention, { inputs, weights: huge, sizes })).toThrow("expected weights below 2 GB");
});

function random(shape: number[], seed: number): NDArray {
  const { normal } = generator(seed);
  return ndarray(Float32Array.from({ length: sizeOf(shape) }, normal), shape);
}
