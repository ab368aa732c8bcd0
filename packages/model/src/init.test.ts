import { expect, it } from "vitest";
import { labelCount, parseConfig } from "./config.ts";
import { initWeights, withHead } from "./init.ts";

const config = parseConfig({
  model_type: "bert",
  vocab_size: 100,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 64,
  max_position_embeddings: 20,
});

it("draws weights of the given spread, zero biases, and nothing for the padding token", () => {
  const weights = initWeights(config, { seed: 7, std: 0.08 });
  const { data } = weights["encoder.layer.1.intermediate.dense.weight"]!;
  const variance = Math.hypot(...Array.from(data)) ** 2 / data.length;
  expect(Math.abs(Math.sqrt(variance) / 0.08 - 1)).toBeLessThan(0.05);
  expect(new Set(weights["encoder.layer.0.output.dense.bias"]!.data)).toStrictEqual(new Set([0]));
  expect(new Set(weights["embeddings.LayerNorm.weight"]!.data)).toStrictEqual(new Set([1]));
  expect(new Set(weights["embeddings.word_embeddings.weight"]!.data.slice(0, 32))).toStrictEqual(new Set([0]));
});

it("draws the same for a seed, and other weights for another", () => {
  const name = "pooler.dense.weight";
  const [first, again, other] = [1, 1, 2].map((seed) => initWeights(config, { seed })[name]!.data);
  expect(first).toStrictEqual(again);
  expect(first).not.toStrictEqual(other);
});

it("has the tensors of the head asked for", () => {
  expect(initWeights(config, { seed: 1, head: "masked-lm" })["cls.predictions.bias"]!.shape).toStrictEqual([100]);
  expect(initWeights(config, { seed: 1, head: "masked-lm" })).not.toHaveProperty(["pooler.dense.weight"]);
  const classifier = initWeights(config, { seed: 1, head: "classification", labels: 3 });
  expect(classifier["classifier.weight"]!.shape).toStrictEqual([3, 32]);
});

it("puts another head on a checkpoint and draws only what is missing", () => {
  const base = { config, weights: initWeights(config, { seed: 1 }) };
  const three = withHead(base, { seed: 2, head: "classification", labels: 3 });
  expect(labelCount(three.config)).toBe(3);
  expect(three.weights["pooler.dense.weight"]).toBe(base.weights["pooler.dense.weight"]);
  const again = withHead(three, { seed: 3, head: "classification", labels: 3 });
  expect(again.weights["classifier.weight"]).toBe(three.weights["classifier.weight"]);
  const regression = withHead(three, { seed: 3, head: "classification", labels: 1 });
  expect(regression.weights["classifier.weight"]!.shape).toStrictEqual([1, 32]);
});

it("refuses a spread and a number of labels that are none", () => {
  expect(() => initWeights(config, { seed: 1, std: NaN })).toThrow("std: expected a number of at least 0, got NaN");
  expect(() => initWeights(config, { seed: 1, head: "classification", labels: 0 })).toThrow(
    "initWeights: labels: expected a whole number above 0, got 0",
  );
});
