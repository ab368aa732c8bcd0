import { readFileSync } from "node:fs";
import { ndarray } from "@pruning-bias/runtime";
import { describeGolden } from "@pruning-bias/oracle";
import { expect, it } from "vitest";
import { type AssociationOptions, associations, effectSize, normalTest, permutationTest, type Sets } from "./index.ts";

interface Case {
  name: string;
  X: number[][];
  Y: number[][];
  A: number[][];
  B: number[][];
  associations: (number | "NaN")[];
  effect_size: number | "NaN";
  effect_size_seed_float64: number | "NaN";
  p: number | null;
  p_kind?: string;
  p_tolerant?: number;
  p_normal?: number;
  p_million?: number;
  p_million_se?: number;
}

describeGolden("SEAT statistics of the original", "seat.json", (path) => {
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: Case[] };

  const withP = cases.filter(({ p }) => p !== null);
  const measured = (expected: Case, options?: AssociationOptions) => associations(setsOf(expected), options);

  it.each(cases)("associations and effect size: $name", (expected) => {
    const sizeX = expected.X.length;
    const s = measured(expected);
    const zero = measured(expected, { zeroVector: "zero" });
    expect([...s]).toEqual(expected.associations.map(near));
    expect(effectSize(s, sizeX)).toEqual(near(expected.effect_size));
    expect(effectSize(zero, sizeX)).toEqual(near(expected.effect_size_seed_float64));
  });

  it.each(cases.filter(({ p_normal }) => p_normal !== undefined))(
    "p by the normal approximation: $name",
    (expected) => {
      expect(normalTest(measured(expected), expected.X.length)).toEqual(near(expected.p_normal!));
    },
  );

  it.each(withP.filter(({ p_kind }) => p_kind === "exact"))("exact p: $name", (expected) => {
    const { p, kind } = permutationTest(measured(expected), expected.X.length);
    expect({ p, kind }).toEqual({ p: near(expected.p_tolerant ?? expected.p!), kind: "exact" });
  });

  it.each(withP.filter(({ p_kind }) => p_kind !== "exact"))("sampled p: $name", (expected) => {
    const { p, kind, samples } = permutationTest(measured(expected), expected.X.length);
    const million = expected.p_million!;
    const own = Math.sqrt((million * (1 - million)) / samples);
    expect(kind).toBe("sampled");
    expect(Math.abs(p - million)).toBeLessThan(5 * Math.hypot(own, expected.p_million_se!));
  });

  it.each(cases.filter(({ p }) => p === null))("no p: $name", (expected) => {
    const test = () => permutationTest(measured(expected), expected.X.length);
    expect(test).toThrow(/permutationTest: expected \|X\| = \|Y\|/);
  });
});

const setsOf = ({ X, Y, A, B }: Case): Sets => ({ X: matrix(X), Y: matrix(Y), A: matrix(A), B: matrix(B) });

const matrix = (rows: number[][]) => ndarray(Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]);

const near = (expected: number | "NaN"): unknown => (expected === "NaN" ? NaN : expect.closeTo(expected, 12));
