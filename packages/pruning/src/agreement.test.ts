import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countPackedPairs, maskAgreement, runAgreement, weightedAgreement } from "./agreement.ts";
import type { HostMask } from "./host-masks.ts";

const mask = (...bits: number[]): HostMask => {
  const values = Uint8Array.from(bits);
  return { shape: [bits.length, 1], mask: values, values, open: bits.filter(Boolean).length, total: bits.length };
};

test("by hand: two of four open in both, one more in each", () => {
  const { jaccard, kappa } = maskAgreement([1, 1, 1, 0, 0], [1, 1, 0, 1, 0]);
  expect(jaccard).toBe(2 / 4);
  // observed 3/5; by chance 3/5·3/5 + 2/5·2/5 = 13/25
  expect(kappa).toBeCloseTo((15 / 25 - 13 / 25) / (12 / 25), 12);
});

test("masks that are all open or all closed agree with themselves", () => {
  expect(maskAgreement([1, 1], [1, 1])).toEqual({ jaccard: 1, kappa: 1 });
  expect(maskAgreement([0, 0], [0, 0])).toEqual({ jaccard: 1, kappa: 1 });
  expect(maskAgreement([0, 0], [1, 1])).toEqual({ jaccard: 0, kappa: 0 });
});

test("agreement is symmetric, at most 1, and 1 for a mask with itself", () => {
  const bits = fc.array(fc.constantFrom(0, 1), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(bits, bits, (a, b) => {
      expect(maskAgreement(a, b)).toEqual(maskAgreement(b, a));
      expect(maskAgreement(a, b).kappa).toBeLessThanOrEqual(1);
      expect(maskAgreement(a, a)).toEqual({ jaccard: 1, kappa: 1 });
    }),
    { seed: 1 },
  );
});

test("of several runs: the mean over pairs, the lowest pair, and each module", () => {
  const runs = [
    { q: mask(1, 1, 0, 0), v: mask(1, 0) },
    { q: mask(1, 1, 0, 0), v: mask(1, 0) },
    { q: mask(1, 0, 1, 0), v: mask(1, 0) },
  ];
  const { mean, lowest, modules } = runAgreement(runs, { q: 400, v: 200 });
  expect(modules["v"]).toEqual({ jaccard: 1, kappa: 1 });
  expect(modules["q"]!.jaccard).toBeCloseTo((1 + 1 / 3 + 1 / 3) / 3, 12);
  // a block of either module is 100 weights: 2 of 4 open in either of the two that differ
  expect(lowest.jaccard).toBeCloseTo(2 / 4, 12);
  expect(mean.jaccard).toBeCloseTo((1 + 2 / 4 + 2 / 4) / 3, 12);
});

test("other blocks, other modules and a single run are refused", () => {
  expect(() => maskAgreement([1], [1, 0])).toThrow("maskAgreement: expected 1 blocks in both, got 2");
  expect(() => runAgreement([{ q: mask(1) }])).toThrow("runAgreement: expected two runs or more, got 1");
  expect(() => runAgreement([{ q: mask(1) }, { k: mask(1) }])).toThrow("expected the same modules in all runs");
  expect(() => runAgreement([{ q: mask(1) }, { q: mask(1, 0) }])).toThrow("q: expected blocks [1,1], got [2,1]");
});

test("packed masks of other lengths, sizes that are not there and modules without blocks are refused", () => {
  const counts = countPackedPairs(Uint8Array.of(0b11000000), Uint8Array.of(0b10100000), 4);
  expect(counts).toEqual({ both: 1, onlyA: 1, onlyB: 1, neither: 1 });
  expect(() => countPackedPairs(Uint8Array.of(1), Uint8Array.of(1, 0), 8)).toThrow(
    "countPackedPairs: expected 1 bytes for 8 blocks, got 1 and 2",
  );
  expect(() => weightedAgreement([counts], [])).toThrow("expected a size for each of 1 modules, got 0");
  expect(() => weightedAgreement([counts], [-1])).toThrow("module 0: expected blocks and a size, got 4 of size -1");
  const none = { both: 0, onlyA: 0, onlyB: 0, neither: 0 };
  expect(() => weightedAgreement([none], [1])).toThrow("module 0: expected blocks and a size, got 0 of size 1");
});
