import { definePruningMethod, parsePruningSettings, scoreLayout } from "@pruning-bias/pruning";
import { ndarray, sizeOf, tf } from "@pruning-bias/runtime";
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
    const settled = await settle({ ...options, method: "average", losses: async () => [] });
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
    const asked: number[][][] = [];
    const settled = await settle({
      ...{ ...options, method: "greedy" },
      losses: async (candidates) => {
        asked.push(candidates.map(open));
        return candidates.map((scores) => loss(open(scores)));
      },
    });
    expect(open(settled)).toEqual([0, 1, 0, 1]);
    expect(asked[0]![0]).toEqual([1, 1, 1, 1]);
    // All of them at once, then one more after each that gained; the last two at once.
    expect(asked.map(({ length }) => length)).toEqual([4, 1, 1, 1]);
    settled[name]!.data.forEach((score) => expect(Math.abs(score - cutoff)).toBeGreaterThan(0.1));
  });

  it("decides no more gates than it is told to", async () => {
    let asked = 0;
    const losses = async (candidates: readonly Arrays[]) => candidates.map(() => asked++);
    await settle({ ...options, method: "greedy", most: 1, losses });
    expect(asked).toBe(3);
  });
});

describe("scores that open nothing alone", () => {
  const layoutOf = (attention: object, dense: object = {}) =>
    scoreLayout(
      sizes,
      parsePruningSettings({ attention: { block: [2, 8], ...attention }, dense, finalThreshold: 0.1 }),
    );
  const factors = { layout: "1d" as const };
  const halves = definePruningMethod({
    ...{ name: "halves", soft: true, cutoff: (_, threshold) => threshold },
    mask: (scores, threshold) => tf.mul(0.5, tf.cast(tf.greater(scores, threshold), "float32")),
  });

  it.each([
    ["l0", { method: "l0" }, "got l0, whose masks are amounts"],
    ["a method of one's own", { method: halves }, "got halves, whose masks are amounts"],
    ["topK", { method: "topK" }, "got topK, which opens a gate only as it closes another"],
    ["rows times columns", factors, "got rows times columns, none of which"],
  ])("are averaged, and refused to be chosen by loss: %s", (_, attention, message) => {
    expect(() => expectSettling(layoutOf(attention), "average")).not.toThrow();
    expect(() => expectSettling(layoutOf(attention), "greedy")).toThrow(message);
  });

  it("are rows and columns, whose averages are those of their numbers", async () => {
    const layout = layoutOf(factors);
    const { trained, ...first } = layout.scores.find((tensor) => tensor.kind === "factor")!;
    expect(trained).toBe(true);
    const drawn = (value: number): Arrays =>
      Object.fromEntries(
        layout.scores.map((own) => [own.name, ndarray(new Float32Array(sizeOf(own.shape)).fill(value), own.shape)]),
      );
    let mean: MeanMargins | undefined;
    for (const value of [1, 2]) mean = addMargins(mean, layout, drawn(value), 0.1);
    const losses = async () => [];
    const settled = await settle({ layout, scores: drawn(2), threshold: 0.1, mean: mean!, method: "average", losses });
    expect(new Set(settled[first.name]!.data)).toEqual(new Set([1.5]));
  });

  it("are refused where nothing trains", () => {
    expect(() => expectSettling(undefined, "average")).toThrow("got no pruning");
  });
});

it("tied scores are decided together", async () => {
  const shared = parsePruningSettings({
    ...{ attention: { block: [2, 8] }, shared: true, compat: "reference", finalThreshold: 0.1 },
  });
  const tied = scoreLayout(sizes, shared);
  const [names] = tied.tied as [string[]];
  expect(names).toHaveLength(3);
  const scores: Arrays = Object.fromEntries(
    tied.scores.map(({ name, shape }) => [name, ndarray(new Float32Array(sizeOf(shape)).fill(cutoff + 0.01), shape)]),
  );
  const mean = addMargins(undefined, tied, scores, 0.1)!;
  const settled = await settle({
    ...{ layout: tied, scores, threshold: 0.1, mean, method: "greedy", most: 1 },
    losses: async (candidates) =>
      candidates.map((own) => Array.from(own[names[0]!]!.data).filter((x) => x > cutoff).length),
  });
  for (const name of names) expect(settled[name]!.data).toEqual(settled[names[0]!]!.data);
  expect(changedGates(tied, scores, settled, 0.1)).toBe(names.length);
});
