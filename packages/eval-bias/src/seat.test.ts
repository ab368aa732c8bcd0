import type { SeatTest } from "@pruning-bias/data";
import { ndarray } from "@pruning-bias/runtime";
import { expect, it } from "vitest";
import { seat } from "./index.ts";

const vectors: Record<string, number[]> = {
  he: [1, 0],
  him: [1, 0.1],
  she: [0, 1],
  her: [0.1, 1],
  man: [2, 0],
  woman: [0, 3],
};
const asked: string[][] = [];
const embed = async (sentences: string[]) => {
  asked.push(sentences);
  return ndarray(Float32Array.from(sentences.flatMap((word) => vectors[word]!)), [sentences.length, 2]);
};
const test = (X: string[], Y: string[]): SeatTest => {
  const set = (category: string, examples: string[]) => ({ category, examples });
  return {
    name: "pronouns",
    targets: { X: set("male", X), Y: set("female", Y) },
    attributes: { A: set("man", ["man"]), B: set("woman", ["woman"]) },
  };
};

it("measures every test on sentences that are embedded once", async () => {
  const tests = [test(["he", "him"], ["she", "her"]), test(["she", "her"], ["he", "him", "he"])];
  const [there, back] = await seat({ tests, embed, protocol: "mean" });
  expect(asked).toEqual([["he", "him", "she", "her", "man", "woman"]]);
  expect(there).toMatchObject({
    test: "pronouns",
    protocol: "mean",
    sizes: { X: 2, Y: 2, A: 1, B: 1 },
    p: 1 / 6,
    pKind: "exact",
    samples: 6,
  });
  expect(there!.effectSize).toBeCloseTo(1.73, 2);
  // A sentence that is listed twice counts once.
  expect(back!.sizes.Y).toBe(2);
  expect(back!.effectSize).toBeCloseTo(-there!.effectSize, 14);
  expect(back!.p).toBe(1);
});

it("gives an effect size without a p where X and Y differ in size", async () => {
  const [result] = await seat({ tests: [test(["he", "him"], ["she"])], embed, protocol: "cls" });
  expect(result).toMatchObject({ p: null, pKind: "none", pNormal: null });
  expect(result!.effectSize).toBeGreaterThan(1);
});
