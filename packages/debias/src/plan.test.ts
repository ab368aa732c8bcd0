import { parsePruningSettings, schedule } from "@pruning-bias/pruning";
import { describe, expect, it } from "vitest";
import { finish, smallModel, smallSentences } from "../test/small.ts";
import type { FinepruneOptions, StepEvent } from "./index.ts";
import { plan } from "./plan.ts";
import { attributeCounts } from "./run-settings.ts";

const sentences = smallSentences(1, { targets: 5, male: 9, female: 7 });
const options: FinepruneOptions = {
  ...{ checkpoint: smallModel(), train: sentences, batchSize: 4, epochs: 2, referenceWidth: 16 },
  pruning: parsePruningSettings({ attention: { block: [4, 16] }, finalThreshold: 0.1 }),
};

describe("a run as the original's", () => {
  const { male, female, targets } = sentences;

  it("counts batches of targets for its schedules, and here steps", () => {
    const ofTargets = 2 * Math.ceil(targets.length / 4);
    const [own, original] = [plan(options), plan({ ...options, compat: "reference" })];
    expect(own.totalSteps).toBeGreaterThan(ofTargets);
    expect(original.totalSteps).toBe(own.totalSteps);
    const at = (totalSteps: number, warmupSteps: number) =>
      schedule(options.pruning!, { step: 2, totalSteps, warmupSteps, training: true }).threshold;
    expect(original.pressure(2).threshold).toBe(at(ofTargets, -1));
    expect(own.pressure(2).threshold).toBe(at(own.totalSteps, 0));
  });

  it("takes as many batches of both genders for static attributes, and here sentences", () => {
    const [few, many] = [male, female].toSorted((a, b) => a.length - b.length);
    const least = few!.length;
    const size = least - 1; // two batches, of which the second may be full where there are more
    const counted = (compat?: "reference") =>
      attributeCounts({ ...options, batchSize: size, ...(compat && { compat }) });
    expect(counted()).toEqual([least, least]);
    expect(counted("reference").toSorted((a, b) => a - b)).toEqual([least, Math.min(2 * size, many!.length)]);
  });

  it("leaves dropout on in the untouched model, which L_keep then measures too", async () => {
    const keep = async (compat?: "reference") => {
      const { events } = await finish({
        ...options,
        freezeWeights: true,
        ...(compat && { compat }),
        lossForm: "sum_of_squares",
      });
      const steps = events.filter((event): event is StepEvent => event.kind === "step");
      return steps.reduce((sum, { lossKeep }) => sum + lossKeep, 0) / steps.length;
    };
    expect((await keep("reference")) / (await keep())).toBeGreaterThan(1.4);
  });
});

it("refuses epochs that are shorter than the first, and batches of nothing", () => {
  const batch = { targets: [0], attributes: [0] };
  const shorter = plan({ ...options, batches: (epoch) => Array(2 - epoch).fill(batch) });
  expect(shorter.batches(0)).toHaveLength(2);
  expect(() => shorter.batches(1)).toThrow("batches: expected 2 in epoch 1, as in the first, got 1");
  const empty = plan({ ...options, batches: () => [batch, { ...batch, targets: [] }] });
  expect(() => empty.batches(0)).toThrow("batches: expected targets and attributes, got none in batch 1 of epoch 0");
});
