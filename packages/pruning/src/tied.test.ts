import { ndarray } from "@pruning-bias/runtime";
import { expect, test } from "vitest";
import { initialScores } from "./initial.ts";
import { scoreLayout } from "./layout.ts";
import { fromNnPruning } from "./nn-pruning.ts";
import { mergeTied } from "./tied.ts";

const sizes = { hidden_size: 2, intermediate_size: 2, num_hidden_layers: 1, num_attention_heads: 2 };
const keys = { attention_block_rows: 1, attention_block_cols: 2, share_pruning_scores: true };
const layout = scoreLayout(sizes, fromNnPruning(keys, { compat: "reference" }));
const [query, key, value, output] = layout.scores.map(({ name }) => name) as [string, string, string, string];

test("the original's shared scores are three parameters over one storage", () => {
  expect(layout.tied).toEqual([[query, key, value]]);
  expect(layout.scores.filter(({ group }) => group === "attention")).toHaveLength(4);
  expect(scoreLayout(sizes, fromNnPruning(keys)).tied).toEqual([]);
});

test("which each of three updates changes", () => {
  const before = initialScores(layout);
  const after = {
    ...before,
    [query]: ndarray(Float32Array.of(0.25, 0), [2, 1]),
    [key]: ndarray(Float32Array.of(-0.5, 1), [2, 1]),
    [value]: ndarray(Float32Array.of(1, 1), [2, 1]),
    [output]: ndarray(Float32Array.of(7, 7), [1, 2]),
  };
  const merged = mergeTied(layout, before, after);
  for (const name of [query, key, value]) expect(Array.from(merged[name]!.data)).toEqual([0.75, 2]);
  expect(merged[output]).toBe(after[output]);
});

test("tied scores that are missing are named", () => {
  const { [key]: _, ...others } = initialScores(layout);
  expect(() => mergeTied(layout, initialScores(layout), others)).toThrow(`mergeTied: expected scores ${key} before`);
});
