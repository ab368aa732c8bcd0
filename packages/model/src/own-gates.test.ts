import { eager, jit, ndarray, type tf } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { linear } from "./linear.ts";
import type { OwnGates } from "./own-gates.ts";

interface Inputs {
  readonly x: tf.Tensor2D;
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor;
  readonly own: OwnGates;
}

describe.each([
  ["eager", eager],
  ["compiled", jit],
] as const)("gates of each example's own, %s", (_, run) => {
  const program = run(({ x, weight, bias, own }: Inputs) => linear(x, weight, bias, { own }));
  // Two examples of two rows; W = [[1, 2], [3, 4]], b = (10, 20).
  const x = ndarray(Float32Array.of(1, 1, 2, 0, 1, 1, 2, 0), [4, 2]);
  const weight = ndarray(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const bias = ndarray(Float32Array.of(10, 20));
  const gate = (...values: number[]) => ndarray(Float32Array.from(values), [2, values.length / 2]);
  const under = async (own: object) => [...(await program({ x, weight, bias, own })).data];

  it("close outputs", async () => {
    expect(await under({ rows: gate(1, 0, 0, 1) })).toEqual([13, 20, 12, 20, 10, 27, 10, 26]);
  });

  it("close inputs, by one entry for a run of them or by one for each", async () => {
    expect(await under({ columns: gate(1, 0, 0, 1) })).toEqual([11, 23, 12, 26, 12, 24, 10, 20]);
    expect(await under({ columns: gate(0, 1) })).toEqual([10, 20, 10, 20, 13, 27, 12, 26]);
  });

  it("close the bias", async () => {
    expect(await under({ rows: gate(0, 1), bias: gate(0, 1) })).toEqual([0, 0, 0, 0, 13, 27, 12, 26]);
  });

  it("are refused where they do not divide", async () => {
    const three = ndarray(new Float32Array(3), [3, 1]);
    await expect(under({ rows: three })).rejects.toThrow("expected divisors of [4,2], got [3,1]");
  });
});
