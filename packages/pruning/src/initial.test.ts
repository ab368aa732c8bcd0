import { expect, test } from "vitest";
import { initialScores } from "./initial.ts";
import { scoreLayout } from "./layout.ts";
import { fromNnPruning, type NnPruningKeys } from "./nn-pruning.ts";

const sizes = { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 1, num_attention_heads: 4 };
const draw = (keys: NnPruningKeys, seed?: number) => {
  const layout = scoreLayout(sizes, fromNnPruning({ attention_block_rows: 1, attention_block_cols: 4, ...keys }));
  return { layout, scores: layout.scores.map(({ name }) => initialScores(layout, seed)[name]!.data as Float32Array) };
};
const most = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

test("a constant is mask_scale", () => {
  expect(draw({ mask_scale: 2 }).scores.every((values) => values.every((value) => value === 2))).toBe(true);
});

test("uniform scores fill ±mask_scale, the same for a seed", () => {
  const [query] = draw({ mask_init: "uniform", mask_scale: 0.5 }).scores;
  expect(most(query!)).toBeGreaterThan(0.49);
  expect(most(query!)).toBeLessThanOrEqual(0.5);
  expect(Math.abs(mean(query!))).toBeLessThan(0.04);
  expect(draw({ mask_init: "uniform", mask_scale: 0.5 }).scores[0]).toEqual(query);
  expect(draw({ mask_init: "uniform", mask_scale: 0.5 }, 1).scores[0]).not.toEqual(query);
});

test("kaiming scores fill ±1/√columns", () => {
  const { layout, scores } = draw({ mask_init: "kaiming" });
  expect(layout.scores[0]!.shape).toEqual([64, 16]);
  expect(most(scores[0]!)).toBeGreaterThan(0.24);
  expect(most(scores[0]!)).toBeLessThanOrEqual(0.25);
});

test("scores that never move start at the middle", () => {
  const { layout, scores } = draw({ mask_init: "uniform", mask_scale: 0.5, prune_values_only: true });
  const fixed = layout.scores.flatMap(({ trained }, at) => (trained ? [] : [scores[at]!]));
  expect(fixed.map((values) => [...new Set(values)])).toEqual([[420], [420], [0], [0]]);
});
