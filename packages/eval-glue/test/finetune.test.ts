import { initWeights } from "@pruning-bias/model";
import { compiler, eager, jit } from "@pruning-bias/runtime";
import type { TrainingState } from "@pruning-bias/training";
import { describe, expect, it } from "vitest";
import { type DoneEvent, finetune, type FinetuneEvent, type FinetuneOptions, scoreClassifier } from "../src/index.ts";
import { toyModel, toySplit } from "./toy.ts";

const checkpoint = toyModel();
const train = toySplit();
const validation = [toySplit({ split: "validation" })];
const settings: FinetuneOptions = {
  ...{ checkpoint, train, validation, batchSize: 16, learningRate: 5e-3 },
  optimizer: { variant: "torch" },
};

describe("finetune", () => {
  it("learns a task of 64 examples, and says at each step where it stands", async () => {
    const events = await run({ ...settings, epochs: 12 });
    expect(events.map(({ kind }) => kind).slice(0, 6)).toEqual(["step", "step", "step", "step", "epoch", "step"]);
    const steps = events.filter((event) => event.kind === "step");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 48 }, (_, n) => n + 1));
    expect(steps[0]).toMatchObject({ totalSteps: 48, epoch: 1, learningRate: 5e-3 });
    expect(steps[47]!.learningRate).toBeCloseTo(5e-3 / 48, 12);
    expect(steps.slice(0, 4).reduce((sum, { tokens }) => sum + tokens, 0)).toBe(train.inputIds.length);
    const { scores, checkpoint: trained, history, epoch, keep } = done(events);
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss / 2);
    expect([history.length, epoch, keep]).toEqual([12, 12, "last"]);
    expect(scores["validation"]!.metrics["accuracy"]).toBeGreaterThan(0.9);
    expect(scores["validation"]!.baseline).toEqual({ accuracy: 0.5 });
    expect(scores["validation"]!.examples).toBe(64);
    expect(Object.keys(trained.weights).filter((name) => !name.startsWith("encoder"))).toContain("classifier.weight");
    expect(Object.keys(trained.weights).some((name) => name.startsWith("cls."))).toBe(false);
  });

  it("is a regression for STS-B, whose baseline correlates with nothing", async () => {
    const label = (text: string) => 2 * Number(text.includes("z")) + 0.5;
    const [scored, dev] = [toySplit({ task: "stsb", label }), toySplit({ task: "stsb", split: "validation", label })];
    const events = await run({ ...settings, train: scored, validation: [dev], epochs: 30 });
    const { metrics, baseline, loss } = done(events).scores["validation"]!;
    expect(metrics["pearson"]).toBeGreaterThan(0.8);
    expect(baseline["pearson"]).toBeNaN();
    expect(loss).toBeLessThan(0.5);
  });

  it("takes both validation sets of MNLI, and batches that do not divide the examples", async () => {
    const three = (split: string, size: number, seed: number) =>
      toySplit({ task: "mnli", split, size, seed, label: (text) => text.length % 3 });
    const sets = [three("validation_matched", 7, 2), three("validation_mismatched", 9, 3)];
    const events = await run({ ...settings, train: three("train", 20, 1), validation: sets, epochs: 1 });
    expect(events.filter(({ kind }) => kind === "step")).toHaveLength(2);
    expect(done(events).scores).toMatchObject({
      validation_matched: { examples: 7 },
      validation_mismatched: { examples: 9 },
    });
    expect(done(events).checkpoint.weights["classifier.weight"]!.shape).toEqual([3, 16]);
  });

  it("gives the same for the same seed, and other weights for another", async () => {
    const options = { ...settings, epochs: 1 };
    const [first, again, other] = [await run(options), await run(options), await run({ ...options, seed: 43 })];
    expect(done(again)).toEqual(done(first));
    expect(done(other).loss).not.toBe(done(first).loss);
  });

  it("adds pieces of a batch up to its mean, whatever the budget of tokens", async () => {
    // Without dropout, whose noise follows the pieces.
    const options = { ...settings, dropout: 0, epochs: 1 };
    const [whole, cut] = [
      done(await run({ ...options, tokenBudget: 4096 })),
      done(await run({ ...options, tokenBudget: 40 })),
    ];
    expect(cut.loss).toBeCloseTo(whole.loss, 5);
    expect(differing(whole.checkpoint.weights, cut.checkpoint.weights, 1e-4)).toEqual([]);
  });

  it("leaves the embeddings of tokens that no split has as they were", async () => {
    const table = "embeddings.word_embeddings.weight";
    const used = new Set([...train.inputIds, 0]);
    const { checkpoint: trained } = done(await run({ ...settings, validation: [], epochs: 1 }));
    const [before, after] = [checkpoint.weights[table]!, trained.weights[table]!];
    expect(after.shape).toEqual(before.shape);
    expect(trained.config.vocab_size).toBe(30);
    const moved = Array.from({ length: 30 }, (_, id) =>
      after.data.subarray(id * 16, (id + 1) * 16).some((value, n) => value !== before.data[id * 16 + n]),
    );
    // The padding token's row has no gradient either.
    expect(moved).toEqual(moved.map((_, id) => used.has(id) && id !== 0));
    // With weight decay every row moves, and is trained with the others.
    const decayed = done(await run({ ...settings, validation: [], epochs: 1, weightDecay: 0.1 })).checkpoint;
    expect(decayed.weights[table]!.data[3 * 16]).not.toBe(before.data[3 * 16]);
  });

  it("trains a head alone on a frozen encoder", async () => {
    const { checkpoint: trained, history } = done(
      await run({ ...settings, freezeEncoder: true, learningRate: 0.05, epochs: 20 }),
    );
    const changed = Object.keys(trained.weights).filter(
      (name) => differing({ [name]: trained.weights[name]! }, checkpoint.weights, 0).length > 0,
    );
    expect(changed.toSorted()).toEqual([
      "classifier.bias",
      "classifier.weight",
      "pooler.dense.bias",
      "pooler.dense.weight",
    ]);
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
    // What was computed on features is what the whole classifier computes.
    const logits = await scoreClassifier({ checkpoint: trained, splits: validation });
    const last = done(await run({ ...settings, freezeEncoder: true, learningRate: 0.05, epochs: 20 })).logits;
    logits["validation"]!.data.forEach((value, n) => expect(value).toBeCloseTo(last["validation"]!.data[n]!, 4));
  });

  it("hands back the last epoch or the best, the earlier of equals, with its predictions", async () => {
    // So high a learning rate that accuracy goes up and down.
    const options = {
      ...settings,
      epochs: 6,
      learningRate: 0.03,
      test: [toySplit({ split: "test", label: () => -1 })],
    };
    const [last, best] = [done(await run(options)), done(await run({ ...options, keep: "best" }))];
    const accuracies = last.history.map(({ scores }) => scores["validation"]!.metrics["accuracy"]!);
    expect(best.history).toEqual(last.history);
    expect(best.epoch).toBe(accuracies.indexOf(Math.max(...accuracies)) + 1);
    expect(best.epoch).toBeLessThan(6);
    expect(best.scores).toEqual(best.history[best.epoch - 1]!.scores);
    for (const { checkpoint: trained, logits } of [last, best]) {
      const again = await scoreClassifier({ checkpoint: trained, splits: validation });
      expect(Object.keys(logits)).toEqual(["validation", "test"]);
      expect(logits["test"]!.shape).toEqual([64, 2]);
      again["validation"]!.data.forEach((value, n) => expect(value).toBeCloseTo(logits["validation"]!.data[n]!, 4));
    }
  });

  it.each(["last", "best"] as const)("goes on from any step to the same bits, keeping the %s epoch", async (keep) => {
    const options = { ...settings, keep, epochs: 3, learningRate: 0.02 };
    const states: ReturnType<Extract<FinetuneEvent, { kind: "step" }>["state"]>[] = [];
    const undisturbed: FinetuneEvent[] = [];
    for await (const event of finetune(options)) {
      undisturbed.push(event);
      if (event.kind !== "done") states.push(event.state());
    }
    // In the middle of an epoch, before its validation, after it, and at the very end.
    for (const at of [1, 3, 4, 13]) {
      const resumed = await run({ ...options, resume: states[at]! });
      expect(withoutStates(resumed)).toEqual(withoutStates(undisturbed.slice(at + 1)));
    }
  });

  it("makes the same step eagerly as compiled, dropout and fillers included", async () => {
    const few = toySplit({ size: 10 });
    const options = { ...settings, train: few, validation: [few], epochs: 1, optimizer: {} };
    const compiled = done(await run({ ...options, jit }));
    const checked = done(await run({ ...options, jit: eager }));
    expect(checked.loss).toBeCloseTo(compiled.loss, 5);
    expect(checked.scores["train"]!.loss).toBeCloseTo(compiled.scores["train"]!.loss, 5);
    expect(differing(checked.checkpoint.weights, compiled.checkpoint.weights, 2e-5)).toEqual([]);
  });

  it.each([false, true])(
    "computes halves side by side on two lanes to the same bits (frozen: %s)",
    async (freezeEncoder) => {
      const options = { ...settings, epochs: 2, tokenBudget: 40, freezeEncoder };
      const lanes = { jit: compiler({ threads: 1, lanes: 2 }), sideBySide: true };
      const alone = await run({ ...options, jit: compiler({ threads: 1 }) });
      const states: TrainingState[] = [];
      const beside: FinetuneEvent[] = [];
      for await (const event of finetune({ ...options, ...lanes })) {
        beside.push(event);
        if (event.kind === "step") states.push(event.state());
      }
      expect(withoutStates(beside)).toEqual(withoutStates(alone));
      const resumed = await run({ ...options, ...lanes, resume: states[2] });
      expect(done(resumed)).toEqual(done(alone));
      const { checkpoint: trained, logits } = done(beside);
      const again = await scoreClassifier({ checkpoint: trained, splits: validation, ...lanes });
      again["validation"]!.data.forEach((value, n) => expect(value).toBeCloseTo(logits["validation"]!.data[n]!, 4));
    },
  );

  it("clips the gradients of all weights together", async () => {
    // One step of plain Adam does not see their length, so eps is made to dwarf them.
    const options = { ...settings, validation: [], epochs: 1, batchSize: 64 };
    const moved = async (maxGradientNorm: number) => {
      const events = await run({
        ...options,
        optimizer: { variant: "torch", eps: 1e6 },
        learningRate: 1e6,
        maxGradientNorm,
      });
      const { weights } = done(events).checkpoint;
      const after = weights["encoder.layer.1.output.dense.weight"]!.data;
      const before = checkpoint.weights["encoder.layer.1.output.dense.weight"]!.data;
      const length = Math.hypot(...Array.from(after, (value, n) => value - before[n]!));
      return { length, norm: (events[0] as Extract<FinetuneEvent, { kind: "step" }>).gradientNorm };
    };
    const free = await moved(Infinity);
    const clipped = await moved(free.norm / 10);
    expect(clipped.norm).toBe(free.norm);
    expect(clipped.length / free.length).toBeCloseTo(0.1, 2);
  });

  it("refuses splits of another task, and tokens that the model has not", async () => {
    const other = toySplit({ task: "cola", split: "validation" });
    await expect(run({ ...settings, validation: [other] })).rejects.toThrow(
      "finetune: expected splits of sst2, got validation of cola",
    );
    const config = { ...checkpoint.config, vocab_size: 20 };
    const small = { config, weights: initWeights(config, { seed: 1 }) };
    await expect(run({ ...settings, checkpoint: small })).rejects.toThrow(
      /sst2: train: expected token ids below 20, got/,
    );
    for (const [key, value, expected] of [
      ["epochs", 0, "a whole number above 0"],
      ["epochs", NaN, "a whole number above 0"],
      ["batchSize", 1.5, "a whole number above 0"],
      ["learningRate", -1, "a number of at least 0"],
      ["maxGradientNorm", NaN, "a number of at least 0"],
      ["tokenBudget", 0, "a whole number above 0"],
    ] as const) {
      await expect(run({ ...settings, [key]: value })).rejects.toThrow(
        `finetune: ${key}: expected ${expected}, got ${value}`,
      );
    }
    await expect(run({ ...settings, epochs: Infinity })).rejects.toThrow(
      "epochs: expected a whole number above 0, got Infinity",
    );
  });

  it("ends where the last update leaves weights that are no numbers", async () => {
    const wild = { ...settings, epochs: 1, batchSize: 1000, learningRate: 1e42, maxGradientNorm: Infinity };
    await expect(run(wild)).rejects.toThrow(/^step 1: expected finite parameters after its update, got -?Infinity in /);
  });
});

describe("scoreClassifier", () => {
  it("refuses an encoder alone and a classifier of other classes", async () => {
    await expect(scoreClassifier({ checkpoint, splits: validation })).rejects.toThrow(
      "scoreClassifier: sst2: expected a checkpoint with a classifier, got none",
    );
    const { checkpoint: trained } = done(await run({ ...settings, epochs: 1 }));
    const three = toySplit({ task: "mnli", split: "validation_matched" });
    await expect(scoreClassifier({ checkpoint: trained, splits: [three] })).rejects.toThrow(
      "scoreClassifier: mnli: expected 3 outputs, got 2",
    );
  });
});

const run = (options: FinetuneOptions): Promise<FinetuneEvent[]> => Array.fromAsync(finetune(options));

function done(events: readonly FinetuneEvent[]): DoneEvent {
  const last = events.at(-1);
  if (last?.kind !== "done") throw new Error("expected a last event");
  return last;
}

const withoutStates = (events: readonly FinetuneEvent[]) =>
  events.map((event) => ({ ...event, ...("state" in event && { state: undefined }) }));

type Weights = Readonly<Record<string, { readonly data: ArrayLike<number> }>>;

/** Names of the weights of which an element differs by more than `tolerance`. */
const differing = (a: Weights, b: Weights, tolerance: number): string[] =>
  Object.entries(a).flatMap(([name, { data }]) => {
    const other = b[name]?.data;
    return other === undefined || Array.from(data).some((value, n) => Math.abs(value - other[n]!) > tolerance)
      ? [name]
      : [];
  });
