import { expect, it } from "vitest";
import { eager, jit, ndarray, type NDArray, tf } from "../src/index.ts";

// What README.md lists as different is left out here: zeros' signs, NaN in orders, (±1)^(±∞) and 1^NaN.

const special = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  1e-8,
  3e38,
  -3e38,
  2 ** 31,
  -(2 ** 40),
];
const whole = [0, 1, -1, 2, -2, 7, -7, 2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1, 65_537];

const pairsOf = (values: readonly number[], make: (values: number[]) => NDArray) => [
  make(values.flatMap((a) => values.map(() => a))),
  make(values.flatMap(() => [...values])),
];
const floats = (values: number[]) => ndarray(Float32Array.from(values));
const ints = (values: number[]) => ndarray(Int32Array.from(values));

type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
const binary: Record<string, Binary> = {
  add: tf.add,
  sub: tf.sub,
  div: tf.div,
  maximum: tf.maximum,
  minimum: tf.minimum,
  mod: tf.mod,
  floorDiv: tf.floorDiv,
  greater: tf.greater,
  greaterEqual: tf.greaterEqual,
  less: tf.less,
  lessEqual: tf.lessEqual,
  equal: tf.equal,
  notEqual: tf.notEqual,
};
const unary: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  relu: tf.relu,
  relu6: tf.relu6,
  clip: (x) => tf.clipByValue(x, -1, 1),
  sign: tf.sign,
  step: tf.step,
  abs: tf.abs,
  neg: tf.neg,
  round: tf.round,
  floor: tf.floor,
  ceil: tf.ceil,
  sqrt: tf.sqrt,
  rsqrt: tf.rsqrt,
  exp: tf.exp,
  expm1: tf.expm1,
  log: tf.log,
  log1p: tf.log1p,
  sigmoid: tf.sigmoid,
  tanh: tf.tanh,
  softplus: tf.softplus,
  erf: tf.erf,
  isNaN: tf.isNaN,
  isInf: tf.isInf,
  isFinite: tf.isFinite,
  where: (x) => tf.where(tf.greater(x, 0), x, tf.zerosLike(x)),
  "cast to int32": (x) => tf.cast(x, "int32"),
  "cast to bool": (x) => tf.cast(x, "bool"),
};

it.each(Object.entries({ ...binary, atan2: tf.atan2 as Binary }))(
  "%s of all pairs of special floats",
  async (_, op) => {
    await expectSame(
      ([a, b]) => op(a!, b!),
      pairsOf(
        special.filter((v) => Math.abs(v) < 1e9 || Math.abs(v) > 1e13),
        floats,
      ),
    );
  },
);

it.each(Object.entries(binary))("%s of all pairs of special integers", async (_, op) => {
  await expectSame(([a, b]) => op(a!, b!), pairsOf(whole, ints));
});

it.each(Object.entries(unary))("%s of special floats", async (_, op) => {
  await expectSame(([x]) => op(x!), [floats(special)]);
});

it.each(["max", "min", "sum", "mean", "prod"] as const)("%s where one is NaN or infinite", async (name) => {
  for (const row of [
    [NaN, 1, 2],
    [1, NaN, 2],
    [1, 2, NaN],
    [Infinity, 1, 2],
    [-Infinity, 1],
    [Infinity, -Infinity],
  ]) {
    await expectSame(([x]) => tf[name](x!), [floats(row)]);
  }
});

it("sums and products of integers are cut to 32 bits", async () => {
  for (const op of [tf.sum, tf.prod]) await expectSame(([x]) => op(x!), [ints([2 ** 31 - 1, 5, 3])]);
});

async function expectSame(fn: (x: tf.Tensor[]) => tf.Tensor, inputs: NDArray[]): Promise<void> {
  const [compiled, checked] = [await jit(fn)(inputs), await eager(fn)(inputs)];
  expect([compiled.dtype, compiled.shape]).toEqual([checked.dtype, checked.shape]);
  for (const [i, y] of checked.data.entries()) {
    const [x, of] = [compiled.data[i]!, inputs.map(({ data }) => data[i]).join(" and ")];
    if (Object.is(x, y) || x === y) continue;
    expect(Math.abs(x - y), `${of}: ${x}, expected ${y}`).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(y)));
    expect(checked.dtype, `${of}: ${x}, expected ${y}`).toBe("float32");
  }
}
