import { generator, ndarray } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import {
  accumulate,
  clipByGlobalNorm,
  DivergenceError,
  expectConvergence,
  expectFinite,
  expectGoodValidation,
  flatThenLinear,
  globalNorm,
  histogram,
  hostAdamW,
  hostOptimizer,
  initialState,
  linearSchedule,
  logisticRegression,
  maskTokens,
} from "./index.ts";

describe("clipping", () => {
  const gradients = () => ({ a: ndarray(Float32Array.of(3)), b: ndarray(Float32Array.of(0, 4)) });

  it("scales all gradients to the norm that is asked for", () => {
    const clipped = gradients();
    expect(clipByGlobalNorm(clipped, 1)).toBe(5);
    expect(globalNorm(clipped)).toBeCloseTo(1, 6);
    expect(clipped.a.data[0]).toBeCloseTo(0.6, 6);
  });

  it("leaves smaller ones as they are", () => {
    const kept = gradients();
    clipByGlobalNorm(kept, 5.1);
    clipByGlobalNorm(kept);
    expect(kept).toEqual(gradients());
  });
});

describe("a run ends", () => {
  const good = { step: 4, batch: "batch 3 of epoch 1", loss: 10, gradientNorm: 1, firstLoss: 12 };
  const thrown = (change: Partial<typeof good>) => {
    try {
      expectConvergence({ ...good, ...change });
    } catch (error) {
      return error;
    }
  };

  it("where its loss is no number", () => {
    expect(thrown({ loss: NaN })).toBeInstanceOf(DivergenceError);
    expect(thrown({ loss: Infinity })).toMatchObject({
      message: "step 4, batch 3 of epoch 1: expected a finite loss, got Infinity",
      step: 4,
      // It is the update of step 3 that made the parameters what they are.
      lastGood: 2,
    });
  });

  it("where its loss explodes", () => {
    expect(thrown({ loss: 12_001 })).toMatchObject({ message: expect.stringContaining("it exploded") });
    expect(thrown({ loss: 900, firstLoss: 0.01 })).toBeUndefined();
  });

  it("where its gradients are no numbers", () => {
    expect(thrown({ gradientNorm: NaN })).toMatchObject({ message: expect.stringContaining("norm of NaN") });
  });

  it("and not where they are", () => expect(thrown({})).toBeUndefined());

  it("where a validation shows what its last update has done", () => {
    const validation = { step: 4, loss: 10, firstLoss: 12 };
    expect(() => expectGoodValidation(validation)).not.toThrow();
    expect(() => expectGoodValidation({ step: 4, loss: 12_001 })).not.toThrow();
    expect(() => expectGoodValidation({ ...validation, loss: 12_001 })).toThrow(
      "validation after step 4: expected a loss below",
    );
    expect(() => expectGoodValidation({ ...validation, loss: NaN, at: "the final threshold" })).toThrow(
      new DivergenceError("validation after step 4, at the final threshold: expected a finite loss, got NaN", 4, 3),
    );
    expect(() => expectGoodValidation({ ...validation, step: 0, loss: NaN })).toThrow("validation before training: ");
  });

  it("where an update has left parameters that are no numbers", () => {
    const parameters = { a: ndarray(Float32Array.of(1)), b: ndarray(Float32Array.of(2, -Infinity)) };
    expect(() => expectFinite(4, { a: parameters.a })).not.toThrow();
    expect(() => expectFinite(4, parameters)).toThrow(
      new DivergenceError("step 4: expected finite parameters after its update, got -Infinity in b", 4, 3),
    );
  });
});

describe("refused are", () => {
  const vector = (...values: number[]) => ndarray(Float32Array.from(values));
  const parameter = () => ({ p: new Float32Array(2), m: new Float32Array(2), v: new Float32Array(2) });
  const masking = { mask: 4, special: [0], vocabularySize: 9 };

  it.each<[string, () => unknown]>([
    ["clipByGlobalNorm: expected a norm of at least 0, got -1", () => clipByGlobalNorm({ a: vector(1) }, -1)],
    ["accumulate: a: expected shape [2], got [1]", () => accumulate({ a: vector(1, 2) }, { a: vector(1) })],
    [
      "hostAdamW: expected moments and a gradient of 2 numbers, got 2, 2 and 1",
      () => hostAdamW(parameter(), new Float32Array(1), { learningRate: 1, update: 1 }),
    ],
    [
      "hostAdamW: expected an update from 1, got 0",
      () => hostAdamW(parameter(), new Float32Array(2), { learningRate: 1, update: 0 }),
    ],
    [
      "hostOptimizer: expected w in one group, got two",
      () => hostOptimizer([1, 2].map((learningRate) => ({ names: ["w"], learningRate }))),
    ],
    ["histogram: expected a number of buckets above 0, got 0", () => histogram([1, 2], 0)],
    [
      "logisticRegression: expected rows of one width with a label each, got 0 and 0 labels",
      () => logisticRegression([], []),
    ],
    ["maskTokens: expected ids [2, 3], got 5", () => maskTokens(new Int32Array(5), [2, 3], masking, generator(1))],
    [
      "maskTokens: expected a probability above 0 and at most 1, got 15",
      () => maskTokens(new Int32Array(6), [2, 3], { ...masking, probability: 15 }, generator(1)),
    ],
    ["linearSchedule: step: expected at least 0, got NaN", () => linearSchedule(NaN, 10)],
    ["flatThenLinear: totalSteps: expected at least 0, got -1", () => flatThenLinear(0, -1)],
  ])("%s", (message, compute) => expect(compute).toThrow(new RangeError(message)));

  it("parameters without a state", async () => {
    const { update } = hostOptimizer([{ names: ["w"], learningRate: 1 }]);
    await expect(update(initialState({}), { w: vector(1) }, 1)).rejects.toThrow(
      "hostOptimizer: expected w and its moments",
    );
  });

  it("steps behind the last, which have no learning rate", () => {
    expect([linearSchedule(12, 10), flatThenLinear(12, 10)]).toEqual([0, 0]);
  });
});
