import { expect, it } from "vitest";
import { baselines } from "./baselines.ts";
import { composedPoints } from "./composed-points.ts";
import { parseSweep } from "./points.ts";

const of = (...overrides: string[]) =>
  baselines(composedPoints(parseSweep(overrides))).map(({ name, points }) => [name, points.length]);
const another = expect.stringMatching(/^baseline-[0-9a-f]{8}$/);

it.each([
  ["layers, seeds and learning rates", ["model.embedding_layer=last,all", "seed=1,2", "model.learning_rate=1,2"], 8],
  ["methods", ["experiment=debias_block_pruning_frozen,debias_head_pruning_frozen,debias_inlp"], 3],
])("points that differ in %s start from one model", (_, overrides, points) => {
  expect(of(...overrides)).toEqual([["baseline", points]]);
});

it.each([
  ["models", ["model.model_name=a,b", "seed=1,2"]],
  ["classifiers of several tasks", ["experiment=glue_then_debias", "glue=cola,rte", "seed=1,2"]],
  ["classifiers of several seeds", ["experiment=glue_then_debias", "finetune.seed=1,2", "seed=1,2"]],
  ["models that are made", ["experiment=demo", "pretrain.steps=1,2", "seed=1,2"]],
])("each of several %s is measured", (_, overrides) => {
  expect(of(...overrides)).toEqual([
    ["baseline", 2],
    [another, 2],
  ]);
});

it("one keeps its name whatever is added beside it", () => {
  const names = (models: string) =>
    new Map(
      baselines(composedPoints(parseSweep([`model.model_name=${models}`]))).map(({ name, config }) => [
        config.model.model_name,
        name,
      ]),
    );
  expect(names("a,b").get("b")).toBe(names("a,c,b").get("b"));
  expect(names("a,b").get("a")).toBe("baseline");
});
