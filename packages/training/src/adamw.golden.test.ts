import { readFileSync } from "node:fs";
import { describeGolden } from "@pruning-bias/oracle";
import { ndarray } from "@pruning-bias/runtime";
import { expect, it } from "vitest";
import { type Arrays, hostAdamW, hostOptimizer, initialState, linearSchedule } from "./index.ts";

interface Golden {
  cases: {
    name: string;
    settings: {
      optimiser: "torch" | "transformers-4.12";
      groups: { lr: number; betas: [number, number]; eps: number; weight_decay: number }[];
      warmup_steps: number | null;
      total_steps: number;
    };
    inputs: { parameters: number[][]; gradients: number[][][] };
    expected: { learning_rates: number[][]; parameters: number[][][] };
  }[];
  schedules: {
    name: string;
    settings: { warmup_steps: number; total_steps: number };
    expected: { factor_at_step: number[] };
  }[];
}

describeGolden("the optimiser follows the original", "optim.json", (path) => {
  const { cases, schedules } = JSON.parse(readFileSync(path, "utf8")) as Golden;

  it.each(cases.map((c) => [c.name, c] as const))("%s", async (_, { settings, inputs, expected }) => {
    const named = (rows: readonly number[][]): Arrays =>
      Object.fromEntries(rows.map((row, group) => [`p${group}`, ndarray(Float32Array.from(row))]));
    const groups = settings.groups.map(({ lr, betas, eps, weight_decay }, group) => ({
      ...{ names: [`p${group}`], learningRate: lr, betas, eps, weightDecay: weight_decay },
      variant: settings.optimiser === "torch" ? ("torch" as const) : ("transformers" as const),
    }));
    const { update } = hostOptimizer(groups);
    let state = initialState(named(inputs.parameters));
    for (const [step, gradients] of inputs.gradients.entries()) {
      const { warmup_steps: warmup, total_steps: total } = settings;
      const factor = warmup === null ? 1 : linearSchedule(step, total, warmup);
      for (const [group, { lr }] of settings.groups.entries()) {
        expect(lr * factor).toBeCloseTo(expected.learning_rates[step]![group]!, 12);
      }
      state = await update(state, named(gradients), factor);
      for (const [group, row] of expected.parameters[step]!.entries()) {
        const got = state.parameters[`p${group}`]!.data;
        row.forEach((value, i) =>
          expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(value))),
        );
      }
    }
  });

  it.each(cases.map((c) => [c.name, c] as const))("in double precision: %s", (_, golden) => {
    const { settings, inputs, expected } = golden;
    const blank = (row: readonly number[]) => new Float64Array(row.length);
    const parameters = inputs.parameters.map((row) => ({ p: Float64Array.from(row), m: blank(row), v: blank(row) }));
    for (const [step, gradients] of inputs.gradients.entries()) {
      for (const [group, { betas, eps, weight_decay: weightDecay }] of settings.groups.entries()) {
        const rates = { learningRate: expected.learning_rates[step]![group]!, update: step + 1, scale: 0.5 };
        const variant = settings.optimiser === "torch" ? ("torch" as const) : ("transformers" as const);
        const doubled = Float64Array.from(gradients[group]!, (value) => 2 * value);
        hostAdamW(parameters[group]!, doubled, rates, { variant, betas, eps, weightDecay });
        const got = parameters[group]!.p;
        for (const [i, value] of expected.parameters[step]![group]!.entries()) expect(got[i]).toBeCloseTo(value, 12);
      }
    }
  });

  it.each(schedules.map((s) => [s.name, s] as const))("%s", (_, { settings, expected }) => {
    const { warmup_steps: warmup, total_steps: total } = settings;
    expected.factor_at_step.forEach((factor, step) =>
      expect(linearSchedule(step, total, warmup)).toBeCloseTo(factor, 12),
    );
  });
});
