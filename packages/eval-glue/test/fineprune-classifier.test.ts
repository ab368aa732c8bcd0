import {
  compactCheckpoint,
  densitiesOf,
  hostMasks,
  parsePruningSettings,
  prunedCheckpoint,
} from "@pruning-bias/pruning";
import { compiler, eager } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import {
  finepruneClassifier,
  type FineprunedClassifier,
  type FinepruneOptions,
  type PruneEpochEvent,
  type PruneStepEvent,
  scoreClassifier,
} from "../src/index.ts";
import { toyModel, toySplit } from "./toy.ts";

const jit = compiler({ threads: 1 }); // of so small a model, two threads wait for each other
const pruning = parsePruningSettings({
  attention: { block: [4, 16] },
  ...{ scoresLearningRate: 0.05, finalThreshold: 0.3, initialWarmup: 0, finalWarmup: 0, finalLambda: 0.3 },
});
const validation = [toySplit({ split: "validation", seed: 2 })];
const options: FinepruneOptions = {
  ...{ checkpoint: toyModel(), train: toySplit({ size: 96 }), validation, pruning },
  ...{ batchSize: 16, epochs: 12, learningRate: 5e-3, seed: 2, jit },
};

describe("a classifier that is pruned while it learns", () => {
  it("learns the task, closes what it does not need, and stays the same when that is removed", async () => {
    const { events, result } = await all(options);
    const [first, last] = [epochs(events)[0]!, epochs(events).at(-1)!];
    expect(last.scores["validation"]!.metrics["accuracy"]).toBeGreaterThan(0.9);
    expect(first.density).toBeGreaterThan(last.density);
    expect(last.density).toBeLessThan(0.7);

    const { layout, scores, threshold } = result.pruned;
    expect(threshold).toBe(0.3);
    const masks = hostMasks(layout, scores, threshold);
    expect(densitiesOf(layout, masks).density).toBe(last.density);
    const { checkpoint, report } = await prunedCheckpoint(result.checkpoint, result.pruned, "compact");
    expect(report.parameters.after).toBeLessThan(0.9 * report.parameters.before);
    const under = await scoreClassifier({ ...result, splits: validation, jit });
    const alone = await scoreClassifier({ checkpoint, splits: validation, jit });
    under["validation"]!.data.forEach((logit, i) => expect(alone["validation"]!.data[i]).toBeCloseTo(logit, 4));
  });

  it("makes the same steps eagerly, piece by piece, and for the same seed", async () => {
    const short = { ...options, epochs: 1, train: toySplit({ size: 32 }) };
    const runs = [];
    const halves = { jit: compiler({ threads: 1, lanes: 2 }), sideBySide: true };
    for (const own of [{ jit }, { jit }, halves, { jit: eager }, { jit, tokenBudget: 64 }]) {
      const undropped = { ...options.checkpoint.config, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
      const checkpoint = { ...options.checkpoint, config: undropped };
      runs.push(await all({ ...short, checkpoint, ...own }));
    }
    const [one, again, sideBySide, eagerly, cut] = runs.map(({ result }) => numbers(result));
    expect(again).toEqual(one);
    expect(sideBySide).toEqual(one);
    for (const other of [eagerly!, cut!]) {
      expect(Math.max(...other.map((value, i) => Math.abs(value - one![i]!)))).toBeLessThan(1e-3);
    }
    const step = runs[0]!.events.find((event): event is PruneStepEvent => event.kind === "step");
    // λ is in proportion to the threshold, which starts at 0.
    expect(step).toMatchObject({ step: 1, totalSteps: 2, epoch: 1, threshold: 0, penalty: 0 });
  });

  it("trains scores and head alone where weights are frozen, and goes on from a classifier of the task", async () => {
    const { result } = await all({ ...options, epochs: 1 });
    const frozen = await all({ ...options, checkpoint: result.checkpoint, freezeWeights: true, epochs: 1 });
    const [before, after] = [result.checkpoint.weights, frozen.result.checkpoint.weights];
    for (const name of Object.keys(before)) {
      const same = after[name]!.data.every((value, i) => value === before[name]!.data[i]);
      expect({ name, same }).toEqual({ name, same: !/^(pooler|classifier)\./.test(name) });
    }
    const first = frozen.events[0] as PruneStepEvent;
    expect(first.loss).toBeLessThan(0.7);
  });

  it("refuses no epochs, and a model that is compact", async () => {
    await expect(all({ ...options, epochs: 0 })).rejects.toThrow(
      "finepruneClassifier: epochs: expected a whole number above 0, got 0",
    );
    const { checkpoint } = await compactCheckpoint(options.checkpoint);
    await expect(all({ ...options, checkpoint })).rejects.toThrow("scoreLayout: expected a model with all its heads");
  });
});

async function all(options: FinepruneOptions) {
  const events: (PruneStepEvent | PruneEpochEvent)[] = [];
  const run = finepruneClassifier(options);
  for (;;) {
    const next = await run.next();
    if (next.done) return { events, result: next.value };
    events.push(next.value);
  }
}

const epochs = (events: readonly (PruneStepEvent | PruneEpochEvent)[]) =>
  events.filter((event): event is PruneEpochEvent => event.kind === "epoch");

const numbers = ({ checkpoint, pruned }: FineprunedClassifier): number[] =>
  Object.values({ ...checkpoint.weights, ...pruned.scores }).flatMap(({ data }) => Array.from(data));
