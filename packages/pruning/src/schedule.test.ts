import { expect, test } from "vitest";
import { rampSteps, schedule } from "./schedule.ts";
import { parsePruningSettings } from "./settings.ts";

const settings = parsePruningSettings({ finalLambda: 50 });

test("the original's thresholds, whose warm-up is −1", () => {
  const at = (step: number) =>
    schedule(settings, { step, totalSteps: 24_600, warmupSteps: -1, training: true }).threshold;
  expect(at(246)).toBeCloseTo(0.002981, 6);
  expect(at(6150)).toBeCloseTo(0.0578005, 7);
  expect(at(12_300)).toBeCloseTo(0.0874863, 7);
  expect(at(24_599)).toBeCloseTo(0.1, 7);
});

test("half of a ramp of 80 steps is 1 − ½³ of the way", () => {
  const half = schedule(settings, { step: 50, totalSteps: 190, warmupSteps: 10, training: true });
  expect(half.threshold).toBeCloseTo(0.1 * (1 - 0.5 ** 3), 12);
  expect(half.lambda).toBeCloseTo(50 * (1 - 0.5 ** 3), 12);
});

test("evaluation is at the final threshold from the start", () => {
  const position = { step: 0, totalSteps: 100, warmupSteps: 0, training: false };
  expect(schedule(settings, position)).toEqual({ threshold: 0.1, lambda: 50, temperature: 20, progress: 1 });
});

test("linear: half of the ramp is half of the way; constant: the last threshold from the start", () => {
  const position = { step: 50, totalSteps: 190, warmupSteps: 10, training: true };
  const at = (thresholdSchedule: "linear" | "constant", step = 50) =>
    schedule({ ...settings, thresholdSchedule }, { ...position, step });
  expect(at("linear").threshold).toBeCloseTo(0.05, 12);
  expect(at("linear").lambda).toBeCloseTo(25, 12);
  expect(at("constant", 0)).toMatchObject({ threshold: 0.1, lambda: 50 });
});

test("the 2:4 temperature goes the way of the threshold, from 0 to 20", () => {
  const position = { step: 50, totalSteps: 190, warmupSteps: 10, training: true };
  expect(schedule(settings, position).temperature).toBeCloseTo(20 * (1 - 0.5 ** 3), 12);
});

test("a constant λ does not follow the threshold", () => {
  const constant = parsePruningSettings({ lambdaSchedule: "constant" });
  const position = { step: 1, totalSteps: 100, warmupSteps: 0, training: true };
  expect(schedule(constant, position).lambda).toBe(1);
  expect(schedule(settings, position).lambda).toBeLessThan(50);
});

test("warm-ups longer than the run leave no ramp", () => {
  expect(rampSteps(settings, { totalSteps: 100, warmupSteps: 5 })).toBe(45);
  expect(rampSteps(settings, { totalSteps: 25, warmupSteps: 3 })).toBeLessThan(0);
});

test("counts of steps that are none are refused", () => {
  const position = { step: 0, totalSteps: 100, warmupSteps: 0, training: true };
  for (const wrong of [{ step: -1 }, { step: NaN }, { totalSteps: -1 }, { warmupSteps: -2 }])
    expect(() => schedule(settings, { ...position, ...wrong })).toThrow("schedule: expected counts of steps, got");
});
