import { expect, test } from "vitest";
import { fromNnPruning, type NnPruningKeys } from "./nn-pruning.ts";
import { type PlannedRun, pruningWarnings } from "./warnings.ts";

const warnings = (keys: NnPruningKeys, run: Partial<PlannedRun> = {}) =>
  pruningWarnings(fromNnPruning(keys), { totalSteps: 1000, warmupSteps: 0, ...run });

test("the original's settings are fine", () => {
  expect(warnings({})).toEqual([]);
});

test.each<[string, NnPruningKeys, Partial<PlannedRun>, RegExp]>([
  [
    "a loss on the embeddings with frozen weights",
    {},
    { lossReachesScores: false },
    /regulariser alone moves the scores.*everything closes/,
  ],
  [
    "the same without a regulariser",
    { regularization: "disabled" },
    { lossReachesScores: false },
    /nothing will change/,
  ],
  [
    "thresholds from zero scores",
    { attention_pruning_method: "threshold", dense_pruning_method: "disabled" },
    {},
    /^attention: threshold at the initial threshold 0 closes everything that starts at 0/,
  ],
  ["a density that starts at 0", { attention_pruning_method: "topK", dense_pruning_method: "disabled" }, {}, /density/],
  [
    "a density that ends at 0",
    { attention_pruning_method: "topK", dense_pruning_method: "disabled", initial_threshold: 1, final_threshold: 0 },
    {},
    /0 keeps nothing/,
  ],
  ["a threshold that no σ passes", { final_threshold: 1 }, {}, /no σ\(S\) is above the final threshold 1/],
  [
    "one τ as density and threshold",
    { attention_pruning_method: "topK", initial_threshold: 0.4, final_threshold: 0.3 },
    {},
    /^one τ from 0\.4 to 0\.3 is the density that attention keeps \(topK\) and the threshold of dense/,
  ],
  [
    "warm-ups longer than the run",
    {},
    { warmupSteps: 100 },
    /^warm-ups of 1 and 10 times 100 steps are longer than the run of 1000: the threshold jumps from 0 to 0\.1/,
  ],
  [
    "magnitudes of frozen weights",
    { attention_pruning_method: "magnitude", dense_pruning_method: "magnitude:1d_alt", initial_threshold: 1 },
    { trainsWeights: false },
    /nothing will change but the threshold$/,
  ],
  ["products of zeros", { dense_pruning_method: "sigmoid_threshold:1d" }, {}, /^dense: scores are products/],
])("%s is warned of", (_, keys, run, message) => {
  expect(warnings(keys, run)).toContainEqual(expect.stringMatching(message));
});

test("weights that train can still learn from the loss", () => {
  expect(warnings({}, { lossReachesScores: false, trainsWeights: true })).toEqual([]);
});
