import { expect, it } from "vitest";
import { encodeSafetensors, generator, mapTree, ndarray, toInt32, toStored } from "../src/index.ts";

const isNumber = (node: unknown): node is number => typeof node === "number";

it.each<[string, () => unknown]>([
  ["ndarray: shape [-1,-2] holds 2 elements, got 2", () => ndarray(Float32Array.of(1, 2), [-1, -2])],
  [
    "safetensors: w: expected 6 elements for [2,3], got 2",
    () => encodeSafetensors({ w: { dtype: "F32", shape: [2, 3], data: Float32Array.of(1, 2) } }),
  ],
  [
    "safetensors: expected names of tensors, got __metadata__",
    () => encodeSafetensors({ __metadata__: ndarray(Float32Array.of(1)) }),
  ],
  ["toStored: expected float32, got Int32Array", () => toStored(ndarray(Int32Array.of(1)), "F32")],
  [
    "toInt32: expected whole numbers of 32 bits, got 4294967296",
    () => toInt32({ dtype: "I64", shape: [2], data: BigInt64Array.of(1n, 2n ** 32n) }),
  ],
  [
    "toInt32: expected whole numbers of 32 bits, got 0.5",
    () => toInt32({ dtype: "F32", shape: [1], data: Float32Array.of(0.5) }),
  ],
  ["generator: expected a whole number as seed, got NaN", () => generator(NaN)],
  ["generator: expected a bound above 0, got 0", () => generator(1).int(0)],
  ["a.0: expected a tensor, got x", () => mapTree<number, number>({ a: ["x" as never] }, isNumber, (leaf) => leaf)],
])("%s", (message, call) => expect(call).toThrow(message));
