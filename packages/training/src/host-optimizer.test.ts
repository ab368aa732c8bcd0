import { generator, ndarray, shared } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { type Arrays, globalNorm, hostAdamW, hostOptimizer, initialState, type OptimizerState } from "./index.ts";

const random = generator(1);
const draw = (...sizes: number[]): Arrays =>
  Object.fromEntries(sizes.map((size, n) => [`p${n}`, ndarray(Float32Array.from({ length: size }, random.normal))]));
const each = (arrays: Arrays, change: (array: Arrays[string]) => Arrays[string]): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, change(array)]));
const copy = (arrays: Arrays): Arrays => each(arrays, ({ data }) => ndarray(data.slice()));

const sizes = [700, 3, 512, 90, 40];
const start = draw(...sizes);
const [gradients, more] = [draw(...sizes), draw(...sizes.slice(0, 4))];
const groups = [
  { names: ["p0", "p1", "p3"], learningRate: 0.1, weightDecay: 0.01 },
  { names: ["p2", "p4"], learningRate: 0.2 },
];

describe.each([false, true])("the optimiser on the host (side by side: %s)", (sideBySide) => {
  const placed = (arrays: Arrays): Arrays => (sideBySide ? each(arrays, shared) : copy(arrays));

  it("sums gradients, gives their norm, and updates each parameter as hostAdamW does", async () => {
    const own = placed(gradients);
    const { parameters, m, v, updates } = initialState(start);
    const optimizer = hostOptimizer(groups, { sideBySide });
    let state: OptimizerState = { parameters: placed(parameters), m: placed(m), v: placed(v), updates };
    const expected = initialState(start);
    const summed = each(copy(gradients), (array) => array);
    for (const [name, { data }] of Object.entries(more)) data.forEach((value, n) => (summed[name]!.data[n]! += value));

    const norm = await optimizer.sum(own, placed(more));
    expect(norm).toBeCloseTo(globalNorm(summed), 10);
    expect(await optimizer.sum(own)).toBe(norm);
    for (const update of [1, 2]) {
      state = await optimizer.update(state, own, 0.5, 0.7);
      expect(state.updates).toBe(update);
      for (const { names, learningRate, ...options } of groups) {
        for (const name of names) {
          const [p, m, v] = [expected.parameters, expected.m, expected.v].map((all) => all[name]!.data as Float32Array);
          const rates = { learningRate: learningRate * 0.5, update, scale: 0.7 };
          hostAdamW({ p: p!, m: m!, v: v! }, summed[name]!.data as Float32Array, rates, options);
        }
      }
    }
    for (const key of ["parameters", "m", "v"] as const) {
      for (const name of Object.keys(start)) expect(state[key][name]!.data).toEqual(expected[key][name]!.data);
    }
    await optimizer.dispose();
  });

  it("leaves parameters without a gradient as they are", async () => {
    const optimizer = hostOptimizer(groups, { sideBySide });
    const { parameters, m, v, updates } = initialState(start);
    const state = { parameters: placed(parameters), m: placed(m), v: placed(v), updates };
    const { p0: _, ...others } = placed(gradients);
    await optimizer.update(state, others, 1);
    expect(state.parameters["p0"]!.data).toEqual(start["p0"]!.data);
    expect(state.parameters["p1"]!.data).not.toEqual(start["p1"]!.data);
    await optimizer.dispose();
  });
});
