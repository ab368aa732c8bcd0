import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GlueExamples, Tokenizer } from "@pruning-bias/data";
import { type Checkpoint, initWeights, parseConfig } from "@pruning-bias/model";
import {
  hostMasks,
  initialScores,
  parsePruningSettings,
  readScores,
  scoreLayout,
  writeScores,
} from "@pruning-bias/pruning";
import { eager, generator, jit } from "@pruning-bias/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { finetune, type FinetuneEvent, type FinetuneOptions } from "./index.ts";

const config = parseConfig({
  model_type: "bert",
  vocab_size: 30,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 24,
  max_position_embeddings: 20,
});
const checkpoint: Checkpoint = { config, weights: initWeights(config, { seed: 5, std: 0.15, head: "masked-lm" }) };
const settings: Omit<FinetuneOptions, "train" | "validation" | "task"> = {
  checkpoint,
  tokenizer: letters(),
  batchSize: 16,
  learningRate: 5e-3,
  optimizer: { variant: "torch" },
};
const toy = examples(64, (text) => Number(text.includes("z")));
const folder = mkdtempSync(join(tmpdir(), "glue-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("finetune", () => {
  it("learns a task of 64 examples, and says at each step where it stands", async () => {
    const events = await run({ ...settings, task: "sst2", train: toy, validation: { validation: toy }, epochs: 12 });
    expect(events.map(({ kind }) => kind).slice(0, 6)).toEqual(["step", "step", "step", "step", "epoch", "step"]);
    const steps = events.filter((event) => event.kind === "step");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 48 }, (_, n) => n + 1));
    expect(steps[0]).toMatchObject({ totalSteps: 48, epoch: 1, learningRate: 5e-3 });
    expect(steps[47]!.learningRate).toBeCloseTo(5e-3 / 48, 12);
    const epochs = events.filter((event) => event.kind === "epoch");
    expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0]!.loss / 2);
    const { scores, checkpoint: trained } = done(events);
    expect(scores["validation"]!.metrics["accuracy"]).toBeGreaterThan(0.9);
    expect(scores["validation"]!.baseline).toEqual({ accuracy: 0.5 });
    expect(scores["validation"]!.examples).toBe(64);
    expect(Object.keys(trained.weights).filter((name) => !name.startsWith("encoder"))).toContain("classifier.weight");
    expect(Object.keys(trained.weights).some((name) => name.startsWith("cls."))).toBe(false);
  });

  it("is a regression for STS-B, whose baseline correlates with nothing", async () => {
    const scored = examples(64, (text) => 2 * Number(text.includes("z")) + 0.5, Float64Array, "abc");
    const events = await run({ ...settings, task: "stsb", train: scored, validation: { scored }, epochs: 30 });
    const { metrics, baseline, loss } = done(events).scores["scored"]!;
    expect(metrics["pearson"]).toBeGreaterThan(0.8);
    expect(baseline["pearson"]).toBeNaN();
    expect(loss).toBeLessThan(0.5);
  });

  it("takes both validation sets of MNLI, and batches that do not divide the examples", async () => {
    const three = (size: number, seed: number) => examples(size, (text) => text.length % 3, Int32Array, "xy", seed);
    const validation = { validation_matched: three(7, 2), validation_mismatched: three(9, 3) };
    const events = await run({ ...settings, task: "mnli", train: three(20, 1), validation, epochs: 1 });
    expect(events.filter(({ kind }) => kind === "step")).toHaveLength(2);
    expect(done(events).scores).toMatchObject({
      validation_matched: { examples: 7 },
      validation_mismatched: { examples: 9 },
    });
    expect(done(events).checkpoint.weights["classifier.weight"]!.shape).toEqual([3, 16]);
  });

  it("gives the same for the same seed, and other weights for another", async () => {
    const options = { ...settings, task: "sst2", train: toy, validation: {}, epochs: 1 } as const;
    const [first, again, other] = [await run(options), await run(options), await run({ ...options, seed: 43 })];
    expect(done(again)).toEqual(done(first));
    expect(done(other).loss).not.toBe(done(first).loss);
  });

  it("keeps closed what the reloaded scores close, and trains the rest", async () => {
    const pruning = parsePruningSettings({ attention: { block: [4, 16] } });
    const layout = scoreLayout(config, pruning);
    const random = generator(3);
    const drawn = Object.entries(initialScores(layout)).map(([name, { shape, data, dtype }]) => {
      return [name, { dtype, shape, data: (data as Float32Array).map(() => 8 * random.normal()) }] as const;
    });
    const path = join(folder, "scores.safetensors");
    await writeScores(path, layout, Object.fromEntries(drawn), pruning);
    const scores = await readScores(path, layout);
    const pruned = { layout, scores, threshold: pruning.finalThreshold };

    const events = await run({ ...settings, task: "sst2", train: toy, validation: { toy }, pruned, epochs: 2 });
    const { checkpoint: trained } = done(events);
    let [closed, moved] = [0, 0];
    for (const [module, { shape, mask }] of Object.entries(hostMasks(layout, scores, pruned.threshold))) {
      const before = checkpoint.weights[`${module}.weight`]!;
      const after = trained.weights[`${module}.weight`]!;
      const [outputs, inputs] = before.shape as [number, number];
      const changed = new Uint8Array(mask.length);
      before.data.forEach((value, n) => {
        const [row, column] = [Math.floor(n / inputs), n % inputs];
        const block = Math.floor((row * shape[0]) / outputs) * shape[1] + Math.floor((column * shape[1]) / inputs);
        if (after.data[n] !== value) changed[block] = 1;
      });
      closed += mask.filter((bit) => bit === 0).length;
      moved += changed.filter((bit) => bit === 1).length;
      // An open block may stay too: that of a query whose value is closed gets no gradient.
      expect({ module, strays: changed.filter((bit, block) => bit > mask[block]!).length }).toEqual({
        module,
        strays: 0,
      });
    }
    expect(closed).toBeGreaterThan(20);
    expect(moved).toBeGreaterThan(20);
    // The masks change what is computed, if little while the head is as small as it was drawn.
    const free = await run({ ...settings, task: "sst2", train: toy, validation: {}, epochs: 1 });
    expect(Math.abs((events[0] as { loss: number }).loss - (free[0] as { loss: number }).loss)).toBeGreaterThan(1e-5);
  });

  it("makes the same step eagerly as compiled, dropout and fillers included", async () => {
    const train = examples(12, (text) => Number(text.includes("z")));
    const options = { ...settings, task: "sst2", train, validation: { train }, epochs: 1, optimizer: {} } as const;
    const compiled = done(await run({ ...options, jit }));
    const checked = done(await run({ ...options, jit: eager }));
    expect(checked.loss).toBeCloseTo(compiled.loss, 5);
    expect(checked.scores["train"]!.loss).toBeCloseTo(compiled.scores["train"]!.loss, 5);
    const differing = Object.entries(checked.checkpoint.weights).filter(([name, { data }]) => {
      const other = compiled.checkpoint.weights[name]!.data;
      return data.some((value, n) => Math.abs(value - other[n]!) > 2e-5);
    });
    expect(differing).toEqual([]);
  });

  it("clips the gradients of all weights together", async () => {
    // One step of plain Adam does not see their length, so eps is made to dwarf them.
    const options = { ...settings, task: "sst2", train: toy, validation: {}, epochs: 1, batchSize: 64 } as const;
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

  it("says which examples have labels of another task", async () => {
    const train = examples(4, () => 2);
    await expect(run({ ...settings, task: "sst2", train, validation: {} })).rejects.toThrow(
      "sst2: train: expected labels from 0 to 1, got 2 in example 0",
    );
    const none = examples(0, () => 0);
    await expect(run({ ...settings, task: "sst2", train: toy, validation: { none } })).rejects.toThrow(
      "sst2: none: expected examples, got none",
    );
  });
});

const run = (options: FinetuneOptions): Promise<FinetuneEvent[]> => Array.fromAsync(finetune(options));

function done(events: FinetuneEvent[]) {
  const last = events.at(-1);
  if (last?.kind !== "done") throw new Error("expected a last event");
  return last;
}

/** Texts of 4 to 12 letters, every other one with a z. */
function examples(
  size: number,
  label: (text: string) => number,
  Labels: typeof Int32Array | typeof Float64Array = Int32Array,
  second?: string,
  seed = 1,
): GlueExamples {
  const random = generator(seed);
  const first = Array.from({ length: size }, (_, n) => {
    const letters = Array.from({ length: 4 + random.int(8) }, () => String.fromCharCode(97 + random.int(25)));
    if (n % 2 === 1) letters[random.int(letters.length)] = "z";
    return letters.join("");
  });
  const pairs = second === undefined ? {} : { second: first.map(() => second) };
  return { first, ...pairs, labels: Labels.from(first.map(label)), idx: Int32Array.from(first, (_, n) => n) };
}

/** A tokenizer of letters: 0 padding, 1 [CLS], 2 [SEP]. */
function letters(): Tokenizer {
  const pieces = (text: string) => [...text].map((letter) => letter.charCodeAt(0) - 94);
  return {
    encode: (text, pair) => {
      const first = [1, ...pieces(text), 2];
      const second = pair === undefined ? [] : [...pieces(pair), 2];
      return { inputIds: [...first, ...second], tokenTypeIds: [...first.map(() => 0), ...second.map(() => 1)] };
    },
    pieces,
    decode: (ids) => ids.map((id) => String.fromCharCode(id + 94)).join(""),
    pad: 0,
    cls: 1,
    sep: 2,
    mask: undefined,
    unknown: undefined,
    vocabularySize: 30,
    maxLength: 20,
    fingerprint: "letters",
  };
}
