import { parsePruningSettings, scoreLayout } from "@pruning-bias/pruning";
import { ndarray } from "@pruning-bias/runtime";
import type { Arrays } from "@pruning-bias/training";
import { describe, expect, it } from "vitest";
import { addMargins, changedGates, expectSettling, type MeanMargins, settle } from "./settle.ts";

// One layer, four heads, values alone: four scores.
const sizes = { hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: 4 };
const pruning = parsePruningSettings({ attention: { block: [2, 8] }, valuesOnly: true, finalThreshold: 0.1 });
const layout = scoreLayout(sizes, pruning);
const { name } = layout.scores.find(({ trained }) => trained)!;
const at = (...scores: number[]): Arrays => ({ [name]: ndarray(Float32Array.from(scores), [4, 1]) });
const cutoff = Math.log(0.1 / 0.9);
const open = (scores: Arrays) => Array.from(scores[name]!.data, (score) => Number(score > cutoff));

// Two steps: the threshold rises from .05, where the cutoff is −2.94, to .1.
const steps: [Arrays, number][] = [
  [at(-2.9, -3, -2.9, 1), 0.05],
  [at(-2.25, -2.1, -2.15, 1), 0.1],
];
let mean: MeanMargins | undefined;
for (const [scores, threshold] of steps) mean = addMargins(mean, layout, scores, threshold);

const options = { layout, scores: steps[1]![0], threshold: 0.1, mean: mean! };

describe("settling by average", () => {
  it("takes the mean distance from the threshold of each step, not the mean score", async () => {
    const settled = await settle({ ...options, method: "average", loss: async () => 0 });
    const margins = [-2.9 + 2.944439, -3 + 2.944439, -2.9 + 2.944439, 1 + 2.944439];
    const last = [-2.25, -2.1, -2.15, 1].map((score) => score - cutoff);
    margins.forEach((margin, i) => expect(settled[name]!.data[i]).toBeCloseTo((margin + last[i]!) / 2 + cutoff, 5));
    expect(changedGates(layout, steps[1]![0], settled, 0.1)).toBe(
      open(steps[1]![0]).filter((bit, i) => bit !== open(settled)[i]).length,
    );
  });
});

describe("settling by loss", () => {
  // Gates 0 and 2 are worth closing together, but 2 alone is not; gate 3 is decided, whatever the loss says.
  const loss = (gates: number[]) => gates[1]! * -1 + (gates[0] ? 3 : gates[2] ? 2 : 0) + gates[3]! * 100;

  it("finds what each gate is worth beside the others, and leaves none undecided", async () => {
    const asked: number[][] = [];
    const settled = await settle({
      ...{ ...options, method: "greedy" },
      loss: async (scores) => {
        asked.push(open(scores));
        return loss(open(scores));
      },
    });
    expect(open(settled)).toEqual([0, 1, 0, 1]);
    expect(asked[0]).toEqual([1, 1, 1, 1]);
    expect(asked).toHaveLength(2 * 3 + 1);
    settled[name]!.data.forEach((score) => expect(Math.abs(score - cutoff)).toBeGreaterThan(0.1));
  });

  it("decides no more gates than it is told to", async () => {
    let asked = 0;
    await settle({ ...options, method: "greedy", most: 1, loss: async () => asked++ });
    expect(asked).toBe(3);
  });
});

it("scores that are no gates of their own are refused", () => {
  const soft = parsePruningSettings({ attention: { block: [2, 8], method: "l0" } });
  expect(() => expectSettling(scoreLayout(sizes, soft))).toThrow("expected scores that are gates of their own, got l0");
  expect(() => expectSettling(undefined)).toThrow("got no pruning");
});
