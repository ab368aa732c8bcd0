import { ndarray, type NDArray, sizeOf, tf } from "../../src/index.ts";

export type Op = (...inputs: never[]) => tf.Tensor | tf.Tensor[];

/** An op that is compiled: a name, the op, its inputs, and `gradient` where it has one. */
export type Row = readonly [name: string, op: Op, inputs: readonly NDArray[], gradient?: "gradient" | undefined];

/** Numbers from −1.5 to 1.6, uneven, away from 0 and from halves, where some ops have kinks; others for another seed. */
export const floats = (shape: readonly number[], seed = 1): NDArray =>
  ndarray(
    Float32Array.from(
      { length: sizeOf(shape) },
      (_, i) => Math.sin(i * 12.9 + seed * 7.3) * 1.3 + (i % 2 === 0 ? -0.2 : 0.3),
    ),
    [...shape],
  );

/** Numbers from 0.3 to 1.9. */
export const positive = (shape: readonly number[], seed = 1): NDArray =>
  ndarray(
    Float32Array.from(floats(shape, seed).data, (x) => Math.abs(x) + 0.3),
    [...shape],
  );

/** Integers from −3 to 3. */
export const signed = (shape: readonly number[], seed = 1): NDArray =>
  ndarray(
    Int32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 3 + seed) % 7) - 3),
    [...shape],
  );

/** Integers from 0 to 3. */
export const ints = (shape: readonly number[], seed = 0): NDArray =>
  ndarray(
    Int32Array.from({ length: sizeOf(shape) }, (_, i) => (i * 3 + seed) % 4),
    [...shape],
  );

export const bools = (shape: readonly number[], seed = 0): NDArray =>
  ndarray(
    Uint8Array.from({ length: sizeOf(shape) }, (_, i) => Number((i + seed) % 3 !== 1)),
    [...shape],
  );

/** Arrays of these shapes, each with a seed of its own. */
export const several = (make: (shape: readonly number[], seed: number) => NDArray, shapes: readonly number[][]) =>
  shapes.map((shape, index) => make(shape, index + 1));

export const int32 = (values: number[], shape = [values.length]): tf.Tensor => tf.tensor(values, shape, "int32");

/** `[2,3] and [3]` */
export const named = (...shapes: readonly (readonly number[])[]): string =>
  shapes.map((shape) => `[${shape.join(",")}]`).join(" and ");
