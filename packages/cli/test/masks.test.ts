import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromNnPruning, initialScores, scoreLayout, writeScores } from "@pruning-bias/pruning";
import { ndarray } from "@pruning-bias/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { masks, masksText } from "../src/commands/masks.ts";

const sizes = { hidden_size: 4, intermediate_size: 6, num_hidden_layers: 2, num_attention_heads: 2 };
const settings = fromNnPruning({ attention_block_rows: 2, attention_block_cols: 4 });
const layout = scoreLayout(sizes, settings);
const value = (layer: number) =>
  `encoder.layer.${layer}.attention.self.value.mask_module.context_modules.0.mask_scores`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "masks-"));
  for (const [name, closed] of [
    ["one", 0],
    ["two", 1],
  ] as const) {
    const scores = { ...initialScores(layout), [value(closed)]: ndarray(Float32Array.of(-5, 1), [2, 1]) };
    await writeScores(join(folder, `${name}.safetensors`), layout, scores, settings);
  }
});
afterAll(() => rm(folder, { recursive: true }));

test("what runs left open, and whether it is the same", async () => {
  const found = await masks(["one", "two"].map((name) => join(folder, `${name}.safetensors`)));
  expect(found.runs.map(({ headsOpen }) => headsOpen)).toEqual([
    [1, 2],
    [2, 1],
  ]);
  // 224 weights are masked, of which a closed head's values are 8.
  expect(found.runs[0]!.density).toBeCloseTo(1 - 8 / 224, 12);
  expect(found.agreement!.mean.jaccard).toBeCloseTo((224 - 16) / 224, 12);
  const text = masksText(found);
  expect(text).toContain("heads open 1 2");
  expect(text).toContain("layer 0: attention.self.query 1.000  attention.self.key 1.000  attention.self.value 0.500");
  expect(text).toContain("agreement of 2 runs: Jaccard 0.929");
});

test("one run is not compared, and none is named", async () => {
  expect((await masks([join(folder, "one.safetensors")])).agreement).toBeUndefined();
  await expect(masks([folder])).rejects.toThrow("masks: expected a run that pruned, got none at");
});
