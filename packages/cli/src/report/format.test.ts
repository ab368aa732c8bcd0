import { expect, test } from "vitest";
import { duration, fixed, percent, probability, signed, significant } from "./format.ts";

test("numbers have a true minus sign, and zero has none", () => {
  expect([-1.234, -0.001, 0, Number.NaN, Number.NEGATIVE_INFINITY].map((value) => fixed(value))).toEqual([
    "−1.23",
    "0.00",
    "0.00",
    "NaN",
    "−∞",
  ]);
  expect([0.5, -0.5, 0.001].map((value) => signed(value))).toEqual(["+0.50", "−0.50", "0.00"]);
  expect(percent(-0.394)).toBe("−39 %");
});

test("losses have three significant digits", () => {
  expect([17.78, 0.6349, 1234.5, 0, 0.0000012, -2].map(significant)).toEqual([
    "17.8",
    "0.635",
    "1235",
    "0",
    "1.2e−6",
    "−2.00",
  ]);
});

test("a probability is never shown as 0, and one that was not computed is said to be missing", () => {
  expect([0.0123, 0.00001, 1, null, Number.NaN].map(probability)).toEqual([
    "p .012",
    "p < .001",
    "p 1.000",
    "no p",
    "p NaN",
  ]);
});

test("durations are in the units of people", () => {
  expect([0.04, 14.2, 59.7, 252, 3600 * 25 + 61].map(duration)).toEqual([
    "0.0 s",
    "14 s",
    "1 min 0 s",
    "4 min 12 s",
    "25 h 1 min",
  ]);
});
