import { describe, expect, it } from "vitest";
import { compose } from "../config/compose.ts";
import { costOf } from "./cost.ts";

const machine = { gflops: 200, hubCache: "/nowhere", root: "/nowhere" };
const cost = (overrides: string[], glue: string[] = [], where = false) =>
  costOf(compose(overrides).config, { glue, where }, machine);

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

  it("is less for heads, which are gates, and keeps weights on disk only where they train", () => {
    const [blocks, heads, all] = [
      cost(["experiment=debias_block_pruning_frozen"]),
      cost(["experiment=debias_head_pruning_frozen"]),
      cost(["experiment=debias_block_pruning_unfrozen"]),
    ];
    expect(heads.trainSeconds!).toBeLessThan(0.9 * blocks.trainSeconds!);
    // BERT-base has 109 million parameters: 438 MB, and once more in the cache.
    expect((all.bytes! - blocks.bytes!) / 2).toBeGreaterThan(430e6);
    expect((all.bytes! - blocks.bytes!) / 2).toBeLessThan(450e6);
  });

  it("has where bias sits, where that is asked: more than 60 forward passes of the bias tests' sentences, less than 120", () => {
    const bert = ["experiment=debias", "model.model_name=bert-base-uncased"];
    const [without, asked] = [cost(bert), cost(bert, [], true)];
    expect(without.whereSeconds).toBe(0);
    expect(asked.trainSeconds).toBe(without.trainSeconds);
    // BERT-base: 2 × 85 MFLOP a token at some .8 of 200 GFLOP/s.
    const pass = (1000 * 7 * 2 * 85e6) / 160e9;
    expect(asked.whereSeconds! / pass).toBeGreaterThan(60);
    expect(asked.whereSeconds! / pass).toBeLessThan(120);
  });

  it("grows with GLUE, and is not known of a model that nobody has seen", () => {
    expect(cost(["experiment=debias"], ["mnli"]).glueSeconds!).toBeGreaterThan(
      cost(["experiment=debias"], ["rte"]).glueSeconds!,
    );
    expect(cost(["model.model_name=some/thing"], [], true)).toMatchObject({
      trainSeconds: null,
      whereSeconds: null,
      bytes: null,
    });
  });
});
