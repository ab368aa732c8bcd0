import { ndarray } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { associations, effectSize, effectSizeInterval, normalTest, permutationTest, seat } from "./index.ts";

const e1 = [1, 0];
const e2 = [0, 1];
const matrix = (...rows: number[][]) => ndarray(Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]);

describe("associations", () => {
  it("are 1 for a vector along A and −1 along B, at any length", () => {
    const sets = { X: matrix([7, 0]), Y: matrix([0, 0.5]), A: matrix(e1), B: matrix(e2) };
    expect([...associations(sets)]).toEqual([1, -1]);
  });

  it("name the set whose width differs", () => {
    const sets = { X: matrix(e1), Y: matrix(e2), A: matrix([1, 2, 3]), B: matrix(e2) };
    expect(() => associations(sets)).toThrow("associations: expected A of shape [n ≥ 1,2], got [1,3]");
  });
});

describe("effectSize", () => {
  it("is the difference of means in sample standard deviations", () => {
    // Means 2 and 0, all values 1, 3, −1, 1: variance (0 + 4 + 4 + 0)/3.
    expect(effectSize(Float64Array.of(1, 3, -1, 1), 2)).toBeCloseTo(2 / Math.sqrt(8 / 3), 14);
  });

  it("is NaN where nothing varies, even where the mean rounds", () => {
    expect(effectSize(new Float64Array(4).fill(0.1), 3)).toBeNaN();
    expect(effectSize(Float64Array.of(0.1, 0.1, 0.1, 0.1, 0.1, 0.1), 3)).toBeNaN();
  });
});

describe("permutationTest", () => {
  it("counts splits of four by hand", () => {
    // Sums of pairs of 4, 3, 2, 1: 7, 6, 5, 5, 4, 3; those ≥ 4 + 2.
    expect(permutationTest(Float64Array.of(4, 2, 3, 1), 2)).toEqual({ p: 2 / 6, kind: "exact", samples: 6 });
  });

  it("is exact up to 100,000 splits and sampled above", () => {
    const values = (n: number) => Float64Array.from({ length: 2 * n }, (_, i) => Math.sin(i));
    expect(permutationTest(values(9), 9).kind).toBe("exact");
    expect(permutationTest(values(10), 10)).toMatchObject({ kind: "sampled", samples: 100_000 });
  });

  it("never samples a p of 0, since the observed split counts", () => {
    const separated = Float64Array.from({ length: 60 }, (_, n) => (n < 30 ? 1 : 0));
    expect(permutationTest(separated, 30, { samples: 1000 }).p).toBe(1 / 1000);
  });

  it("gives the same p for the same seed, and about the same for another", () => {
    const values = Float64Array.from({ length: 40 }, (_, n) => Math.sin(n * n));
    const [p, again, other] = [1, 1, 2].map((seed) => permutationTest(values, 20, { seed }).p);
    expect(again).toBe(p);
    expect(other).not.toBe(p);
    expect(Math.abs(other! - p!)).toBeLessThan(0.02);
  });

  it("samples what it would count", () => {
    const values = Float64Array.from({ length: 16 }, (_, n) => Math.cos(n * n));
    const exact = permutationTest(values, 8).p;
    const sampled = permutationTest(values, 8, { samples: 10_000 });
    expect(sampled.kind).toBe("sampled");
    expect(Math.abs(sampled.p - exact)).toBeLessThan(5 * Math.sqrt((exact * (1 - exact)) / 10_000));
  });

  it("is 1 without variance", () => {
    expect(permutationTest(new Float64Array(6).fill(0.1), 3).p).toBe(1);
    expect(permutationTest(new Float64Array(60).fill(0.1), 30).p).toBe(1);
    expect(normalTest(new Float64Array(6).fill(0.1), 3)).toBe(1);
  });
});

describe("normalTest", () => {
  it("keeps its digits far out in the tail", () => {
    // Four values, statistic z·√(4/3·Σ(s − s̄)²): for ±1 halves Σ = 4, statistic 4, z = 4/√(16/3) = √3.
    expect(normalTest(Float64Array.of(1, 1, -1, -1), 2)).toBeCloseTo(0.041632258331775, 14);
    // 2n values ±1: z = 2n/√(2n/(2n − 1)·2n) = √(2n − 1); n = 50 gives z = √99.
    const p = normalTest(
      Float64Array.from({ length: 100 }, (_, n) => (n < 50 ? 1 : -1)),
      50,
    );
    expect(p / 1.2625088312013815e-23).toBeCloseTo(1, 12);
  });
});

describe("statistics refuse", () => {
  const four = Float64Array.of(4, 2, 3, 1);

  it.each([
    ["effectSize: expected targets of X and of Y, got 0 of X among 4", () => effectSize(four, 0)],
    ["normalTest: expected |X| = |Y|, got 1 and 3", () => normalTest(four, 1)],
    ["normalTest: expected targets of X and of Y, got 4 of X among 4", () => normalTest(four, 4)],
    ["permutationTest: expected |X| = |Y|, got 1 and 3", () => permutationTest(four, 1)],
    ["permutationTest: expected a number of samples above 0, got 0", () => permutationTest(four, 2, { samples: 0 })],
    ["effectSizeInterval: expected a level between 0 and 1, got 95", () => effectSizeInterval(four, 2, { level: 95 })],
  ])("%s", (message, compute) => {
    expect(compute).toThrow(new RangeError(message));
  });
});

it("a sentence that is embedded as zeros leaves its test without a p, and not with one of 0", async () => {
  const set = (...examples: string[]) => ({ category: "", examples });
  const test = {
    name: "T",
    targets: { X: set("x", "0"), Y: set("y", "z") },
    attributes: { A: set("a"), B: set("b") },
  };
  const rows: Record<string, number[]> = { x: [1, 0], 0: [0, 0], y: [0, 1], z: [0, 2], a: [1, 0], b: [0, 1] };
  const embed = async (sentences: readonly string[]) => matrix(...sentences.map((sentence) => rows[sentence]!));
  const [result] = await seat({ tests: [test], embed, protocol: "cls" });
  expect(result).toMatchObject({ effectSize: NaN, p: null, pKind: "none", pHolm: null });
  const [zero] = await seat({ tests: [test], embed, protocol: "cls", zeroVector: "zero" });
  expect(zero!.p).toBeCloseTo(1 / 6, 12);
  await expect(seat({ tests: [test], embed: async () => matrix([1, 2]), protocol: "cls" })).rejects.toThrow(
    "seat: expected embeddings [6, hidden] of as many sentences, got [1, 2]",
  );
});
