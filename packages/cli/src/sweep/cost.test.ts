import { describe, expect, it } from "vitest";
import { compose } from "../config/compose.ts";
import { costOf, type Work } from "./cost.ts";
import type { GlueRun } from "./measurements.ts";

const machine = { gflops: 200, hubCache: "/nowhere", root: "/nowhere" };
const cost = (overrides: string[], work: Work = {}) =>
  costOf(compose(overrides).config, { train: true, bias: true, ...work }, machine);
const tuned = (task: GlueRun["task"]): Work => ({ glue: [{ task, scoreOnly: false }] });

describe("what a point costs", () => {
  it("has the paper's steps: 100 epochs of 246", () => {
    expect(cost(["experiment=debias_block_pruning_frozen"]).steps).toBe(24_600);
    expect(cost(["experiment=debias_block_pruning_frozen", "debug=true"]).steps).toBe(1);
    expect(cost(["experiment=debias_block_pruning_frozen", "trainer.max_steps=7"]).steps).toBe(7);
  });

  it("is near what a step was measured to take: 10.9 s of 2 × 16 × 128 tokens at 205 GFLOP/s, BERT-base in blocks", () => {
    const { steps, trainSeconds } = cost(["experiment=debias_block_pruning_frozen"]);
    const perToken = trainSeconds! / steps / (2 * 128 * 33);
    expect(perToken / (10.9 / (2 * 16 * 128))).toBeGreaterThan(0.6);
    expect(perToken / (10.9 / (2 * 16 * 128))).toBeLessThan(1.6);
  });

  it("is less where the loss reads lower layers: targets go no further, attributes do", () => {
    const [first, intermediate, last, all] = ["first", "intermediate", "last", "all"].map(
      (layer) => cost(["experiment=debias", `model.embedding_layer=${layer}`]).trainSeconds!,
    );
    expect(last).toBe(all);
    expect(first!).toBeLessThan(intermediate!);
    expect(intermediate!).toBeLessThan(all!);
    expect(first! / all!).toBeGreaterThan(0.5);
  });

  it("is less for heads, which are gates, and keeps weights on disk only where they train", () => {
    const [blocks, heads, all] = [
      cost(["experiment=debias_block_pruning_frozen"]),
      cost(["experiment=debias_head_pruning_frozen"]),
      cost(["experiment=debias_block_pruning_unfrozen"]),
    ];
    expect(heads.trainSeconds!).toBeLessThan(0.9 * blocks.trainSeconds!);
    // BERT-base has 109 million parameters: 438 MB, once more in the cache, and with two moments in the last checkpoint.
    expect((all.bytes! - blocks.bytes!) / 5).toBeGreaterThan(430e6);
    expect((all.bytes! - blocks.bytes!) / 5).toBeLessThan(450e6);
  });

  it("has where bias sits, where that is asked: more than 60 forward passes of the bias tests' sentences, less than 120", () => {
    const bert = ["experiment=debias", "model.model_name=bert-base-uncased"];
    const [without, asked] = [cost(bert), cost(bert, { where: true })];
    expect(without.whereSeconds).toBe(0);
    expect(asked.trainSeconds).toBe(without.trainSeconds);
    // BERT-base: 2 × 85 MFLOP a token at some .8 of 200 GFLOP/s.
    const pass = (1000 * 7 * 2 * 85e6) / 160e9;
    expect(asked.whereSeconds! / pass).toBeGreaterThan(60);
    expect(asked.whereSeconds! / pass).toBeLessThan(120);
  });

  it("is that of what is to be done alone: bias tests take seconds, a score without fine-tuning a pass", () => {
    const all = cost(["experiment=debias"], { ...tuned("rte"), where: true });
    const left = cost(["experiment=debias"], { train: false });
    expect(left).toMatchObject({ steps: 0, trainSeconds: 0, glueSeconds: 0, whereSeconds: 0 });
    expect(left.biasSeconds).toBe(all.biasSeconds);
    expect(left.biasSeconds!).toBeLessThan(20);
    expect(left.bytes!).toBeLessThan(1e6);
    expect(left.memory!).toBeLessThan(all.memory!);
    const scored = cost(["experiment=debias"], { train: false, glue: [{ task: "rte", scoreOnly: true }] });
    expect(scored.glueSeconds!).toBeLessThan(all.glueSeconds! / 10);
    // BERT-base, and once more in the cache.
    const classifier = cost(["model.model_name=bert-base-uncased"], {
      ...tuned("rte"),
      train: false,
      bias: false,
      saves: true,
    });
    expect(classifier.bytes! / 2).toBeGreaterThan(430e6);
  });

  it("is that of one batch where that is all that is asked for", () => {
    const all = cost(["experiment=debias"], tuned("mnli")).glueSeconds!;
    expect(cost(["experiment=debias", "debug=true"], tuned("mnli")).glueSeconds!).toBeLessThan(all / 100);
  });

  it("grows with GLUE, and is not known of a model that nobody has seen", () => {
    expect(cost(["experiment=debias"], tuned("mnli")).glueSeconds!).toBeGreaterThan(
      cost(["experiment=debias"], tuned("rte")).glueSeconds!,
    );
    expect(cost(["model.model_name=some/thing"], { where: true })).toMatchObject({
      trainSeconds: null,
      whereSeconds: null,
      bytes: null,
    });
  });
});
