import { parsePruningSettings } from "@pruning-bias/pruning";
import { describe, expect, it } from "vitest";
import type { FinepruneEvent, FinepruneOptions, ValidationEvent } from "../src/index.ts";
import { finish, smallModel, smallSentences } from "./small.ts";

const options: FinepruneOptions = {
  ...{ checkpoint: smallModel(), train: smallSentences(1), validation: smallSentences(2) },
  ...{ batchSize: 8, microbatch: 8, epochs: 2, dropout: false },
};
const validations = (events: readonly FinepruneEvent[]) =>
  events.filter((event): event is ValidationEvent => event.kind === "validation");

describe("validations of a run that prunes", async () => {
  const pruning = parsePruningSettings({
    ...{ attention: { block: [4, 16] }, scoresLearningRate: 0.4, initialThreshold: 0.3, finalThreshold: 0.5 },
  });
  const { events } = await finish({ ...options, pruning });
  const all = validations(events);

  it("are before training, twice an epoch and at its end", () => {
    expect(all.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
  });

  it("are at the final threshold, and at the current one, which comes to it", () => {
    for (const { threshold } of all) expect(threshold).toBe(0.5);
    const current = all.map((event) => event.current.threshold);
    expect(current[0]).toBeCloseTo(0.3, 10);
    expect(current[2]).toBeGreaterThan(current[0]!);
    expect(current.at(-1)).toBeCloseTo(0.5, 10);
  });

  it("differ where the gates do", () => {
    // σ(0) = .5: open at .3, closed at .5.
    const [before] = all;
    const open = (gates: { openBlocks: readonly number[] }) => gates.openBlocks.reduce((a, b) => a + b, 0);
    expect(open(before!)).toBe(0);
    expect(open(before!.current)).toBe(before!.blocks.reduce((a, b) => a + b, 0));
    expect(before!.current.lossKeep).toBeCloseTo(0, 6);
    expect(before!.lossKeep).toBeGreaterThan(0.01);
    expect(before!.undecided).toBeGreaterThan(0);
    expect(before!.current.undecided).toBe(0);
  });
});

describe("the best validation", () => {
  // Weights that jump about: the loss falls, then rises.
  const worse: FinepruneOptions = { ...options, epochs: 6, learningRate: 0.3, alpha: 20 };

  it("ends a run that waited long enough for a better one", async () => {
    const { events, result } = await finish({ ...worse, patience: 2 });
    const all = validations(events).filter(({ step }) => step > 0);
    const best = all.findLast((event) => event.best)!;
    expect(all.at(-1)!.step).toBeLessThan(12);
    expect(all.slice(all.indexOf(best) + 1)).toHaveLength(2);
    expect(result).toMatchObject({ steps: all.at(-1)!.step, bestStep: all.at(-1)!.step });
  });

  it("is what is kept, when asked for", async () => {
    let parameters: ReturnType<ValidationEvent["parameters"]> | undefined;
    const { result } = await finish({ ...worse, keepBest: true, epochs: 4 }, (event) => {
      if (event.kind === "validation" && event.best) parameters = event.parameters();
    });
    expect(result.bestStep).toBeLessThan(result.steps);
    expect(result.weights).toEqual(parameters!.weights);
  });

  it("needs validation sentences", async () => {
    const { validation: _, ...blind } = worse;
    await expect(finish({ ...blind, patience: 1 })).rejects.toThrow("need validation sentences, got none");
  });
});

describe("settling in a run that stops early, or is short", () => {
  const pruning = parsePruningSettings({ attention: { block: [4, 16] }, scoresLearningRate: 0.4 });
  const settledOf = async (change: Partial<FinepruneOptions>) => {
    const { events, result } = await finish({ ...options, pruning, settle: "average", ...change });
    return { settled: events.find((event) => event.kind === "settled")!, events, result };
  };

  it("averages over the last quarter of the steps that were planned", async () => {
    const { settled, result } = await settledOf({ epochs: 6 });
    expect(result.steps).toBe(12);
    expect(settled.averaged).toBe(3);
  });

  it("averages over the steps since the lowest loss where it stops before", async () => {
    const early = { epochs: 20, patience: 2, learningRate: 0.3, alpha: 20, freezeWeights: false };
    const { settled, events, result } = await settledOf(early);
    const best = validations(events).findLast((event) => event.step > 0 && event.best)!;
    expect(result.steps).toBeLessThan(30);
    expect(settled.averaged).toBe(result.steps - best.step);
    expect(settled.step).toBe(result.steps);
  });

  it.each([1, 2, 3])("has the last of %i steps at least", async (maxSteps) => {
    const { settled } = await settledOf({ maxSteps });
    expect(settled.averaged).toBe(1);
    expect(settled.loss).toBeGreaterThan(0);
  });

  it("is refused where no gate is near the final threshold", async () => {
    const nothing = parsePruningSettings({ attention: { block: [4, 16] }, finalThreshold: 0 });
    await expect(finish({ ...options, pruning: nothing, settle: "average" })).rejects.toThrow(
      "fineprune: settle: expected a final threshold at which gates flip, got 0",
    );
  });
});

describe("a run whose last update has spoilt it ends badly too", () => {
  it("where a validation shows it, of weights or of scores", async () => {
    const last = { ...options, maxSteps: 1, learningRate: 1e30 };
    await expect(finish(last)).rejects.toMatchObject({
      message: expect.stringMatching(/^validation after step 1: expected a (finite loss, got|loss below)/),
      ...{ name: "DivergenceError", step: 1, lastGood: 0 },
    });
    const pruning = parsePruningSettings({ attention: { block: [4, 16] }, scoresLearningRate: 3e38 });
    await expect(finish({ ...options, pruning, maxSteps: 4 })).rejects.toThrow(
      /^(step|validation after step) \d.*: expected (a finite loss|finite)/,
    );
  });

  it("where there is no validation", async () => {
    const { validation: _, ...blind } = options;
    await expect(finish({ ...blind, maxSteps: 1, learningRate: Number.MAX_VALUE })).rejects.toMatchObject({
      message: expect.stringMatching(/^step 1: expected finite parameters after its update, got \S+ in \S+$/),
      lastGood: 0,
    });
  });
});
