import { ndarray } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { clipByGlobalNorm, DivergenceError, expectConvergence, globalNorm } from "./index.ts";

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
});
