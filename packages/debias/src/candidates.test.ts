import { gateSets, gateTensors, parsePruningSettings, scoreLayout } from "@pruning-bias/pruning";
import { eager, generator, type Jit, jit, ndarray, sizeOf } from "@pruning-bias/runtime";
import type { Arrays } from "@pruning-bias/training";
import { describe, expect, it } from "vitest";
import { finish, smallModel, smallSentences } from "../test/small.ts";
import { batchLosses } from "./losses.ts";
import { originalEmbeddings } from "./original.ts";
import { encoderWeights, subject } from "./parameters.ts";
import { programs as makePrograms } from "./programs.ts";
import { everySentence } from "./rows.ts";
import { microbatchOptions, programSettings } from "./run-settings.ts";

const pruningBy = (columns: number) =>
  parsePruningSettings({ attention: { block: [4, columns] }, scoresLearningRate: 0.3, finalThreshold: 0.45 });

describe.each<[string, Jit]>([
  ["eager", eager],
  ["compiled", jit],
])("candidates in one batch, %s", (_, jit) => {
  it.each(["sentence", "token"] as const)("have the losses that each has alone: %s", async (debiasMode) => {
    const checkpoint = smallModel({ num_hidden_layers: 2 });
    const [sentences, pruning] = [smallSentences(1), pruningBy(16)];
    const options = { checkpoint, train: sentences, pruning, debiasMode };
    const layout = scoreLayout(checkpoint.config, pruning);
    const settings = programSettings(options, layout);
    const programs = makePrograms(jit, settings);
    const [pieces, weights] = [microbatchOptions(options), encoderWeights(checkpoint)];
    const batch = everySentence(sentences);
    const kept = { config: checkpoint.config, rows: batch.attributes, limit: 1e6, pieces };
    const originals = (sentences: typeof options.train.male) =>
      originalEmbeddings(programs, weights, { sentences, ...kept });
    const losses = await batchLosses(programs, settings, sentences, originals, pieces);

    const random = generator(7);
    const draw = (): Arrays =>
      Object.fromEntries(
        layout.scores.map(({ name, shape }) => [
          name,
          ndarray(
            Float32Array.from({ length: sizeOf(shape) }, () => random.uniform() - 0.6),
            shape,
          ),
        ]),
      );
    const candidates = Array.from({ length: 5 }, draw);
    const { at } = subject(checkpoint, layout, {});
    const final = { threshold: 0.45, temperature: 0 } as never;
    const attributes = ndarray(
      Float32Array.from({ length: 32 }, () => random.uniform()),
      [2, 16],
    );
    const sets = gateSets(layout, gateTensors(layout), candidates, 0.45);
    expect(Object.keys(sets)).toHaveLength(12);
    const together = await losses.evaluateEach(at(candidates[0]!, final), sets, attributes, batch);
    expect(together).toHaveLength(5);
    for (const [n, candidate] of candidates.entries()) {
      const alone = await losses.evaluate(at(candidate, final), attributes, batch);
      expect(together[n]!.lossDebias / alone.lossDebias).toBeCloseTo(1, 5);
      expect(together[n]!.lossKeep / alone.lossKeep).toBeCloseTo(1, 5);
    }
    await programs.dispose();
  });
});

it.each([
  ["heads, together", 16],
  ["blocks inside a matrix, one after the other", 8],
])("a run that settles by loss leaves nothing undecided: %s", async (_, columns) => {
  const options = { checkpoint: smallModel(), train: smallSentences(1), validation: smallSentences(2) };
  const { events } = await finish({
    ...options,
    batchSize: 8,
    epochs: 8,
    settle: "greedy",
    pruning: pruningBy(columns),
  });
  const settled = events.at(-1)!;
  if (settled.kind !== "settled") throw new Error("expected the run to end settled");
  expect(settled.before.undecided).toBeGreaterThan(0);
  expect(settled.undecided).toBe(0);
});

it("heads and neurons are gates, blocks inside a matrix are not", () => {
  const { config } = smallModel();
  const heads = scoreLayout(config, pruningBy(16));
  expect(gateTensors(heads).size).toBe(heads.scores.length);
  const kept = [...gateTensors(scoreLayout(config, pruningBy(8)))];
  expect(kept).toHaveLength(1);
  expect(kept[0]).toContain("intermediate.dense");
});
