import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ndarray, type NDArray, readSafetensors, writeSafetensors } from "@pruning-bias/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { initialScores } from "./initial.ts";
import { scoreLayout, trainedScores } from "./layout.ts";
import { fromNnPruning } from "./nn-pruning.ts";
import { readPruned, readScores, readScoreSettings, writeScores } from "./state-dict.ts";

const sizes = { hidden_size: 4, intermediate_size: 6, num_hidden_layers: 2, num_attention_heads: 2 };
const settings = fromNnPruning({ attention_block_rows: 2, attention_block_cols: 4, share_pruning_scores: true });
const layout = scoreLayout(sizes, settings);
const scores = Object.fromEntries(
  Object.entries(initialScores(layout)).map(([name, { data, shape }], at) => [
    name,
    ndarray(
      (data as Float32Array).map((_, index) => at + index / 10),
      shape,
    ),
  ]),
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scores-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes the entries of a good file, changed. */
async function changed(name: string, change: (entries: Record<string, NDArray>) => Record<string, NDArray>) {
  const path = join(folder, name);
  await writeScores(path, layout, scores, settings);
  const { tensors } = await readSafetensors(path);
  const entries = Object.entries(tensors).map(
    ([key, { shape, data }]) => [key, ndarray(data as Float32Array, shape)] as const,
  );
  await writeSafetensors(path, change(Object.fromEntries(entries)));
  return path;
}

test("what is written is read, under each of the names that share a tensor", async () => {
  const path = join(folder, "scores.safetensors");
  await writeScores(path, layout, scores, settings, { base: "tiny" });
  expect(await readScores(path, layout)).toEqual(scores);
  expect(await readScoreSettings(path)).toEqual(settings);
  const { tensors, metadata } = await readSafetensors(path);
  expect(metadata["base"]).toBe("tiny");
  expect(Object.keys(tensors).filter((name) => name.startsWith("encoder.layer.0."))).toEqual([
    "encoder.layer.0.attention.output.dense.mask_module.context_modules.0.mask_scores",
    "encoder.layer.0.attention.self.key.mask_module.context_modules.0.mask_scores",
    "encoder.layer.0.attention.self.query.mask_module.context_modules.0.mask_scores",
    "encoder.layer.0.attention.self.value.mask_module.context_modules.0.mask_scores",
    "encoder.layer.0.intermediate.dense.mask_module.context_modules.0.mask_scores",
    "encoder.layer.0.output.dense.mask_module.context_modules.1.mask_scores",
  ]);
});

test("fixed scores are written though they are not handed over", async () => {
  const values = fromNnPruning({ attention_block_rows: 2, attention_block_cols: 4, prune_values_only: true });
  const own = scoreLayout(sizes, values);
  const path = join(folder, "values.safetensors");
  await writeScores(path, own, trainedScores(own, initialScores(own)), values);
  expect(await readScores(path, own)).toEqual(initialScores(own));
  await expect(writeScores(path, own, {}, values)).rejects.toThrow(
    /expected scores encoder\.layer\.0\.attention\.self\.value.* to write/,
  );
});

test("a model's state dict may have a prefix and weights among the scores", async () => {
  const path = await changed("model.safetensors", (entries) => ({
    ...Object.fromEntries(Object.entries(entries).map(([name, array]) => [`bert.${name}`, array])),
    "bert.pooler.dense.bias": ndarray(Float32Array.of(1)),
  }));
  expect(await readScores(path, layout)).toEqual(scores);
  expect(await readScoreSettings(path)).toBeUndefined();
});

test("missing, unknown and misshapen scores are listed in one line", async () => {
  const query = "encoder.layer.0.attention.self.query.mask_module.context_modules.0.mask_scores";
  const output = "encoder.layer.1.output.dense.mask_module.context_modules.1.mask_scores";
  const path = await changed("wrong.safetensors", (entries) => ({
    ...Object.fromEntries(Object.entries(entries).filter(([name]) => name !== query)),
    [output]: ndarray(new Float32Array(5)),
    [output.replace("layer.1", "layer.2")]: ndarray(new Float32Array(6)),
  }));
  await expect(readScores(path, layout)).rejects.toThrow(
    `${path}: expected ${query}, got none of that name; ${output}: expected shape [6], got [5]; ` +
      `expected no ${output.replace("layer.1", "layer.2")} in this layout, got one`,
  );
  const other = scoreLayout({ ...sizes, num_hidden_layers: 4 }, settings);
  await expect(readScores(path, other)).rejects.toThrow(
    "wrong.safetensors: expected scores of layer 3, got none of it; ",
  );
  await expect(readScores(path, other)).rejects.toThrow(/; and \d+ more$/);
});

test("copies of shared scores that have drifted apart are refused", async () => {
  const value = "encoder.layer.0.attention.self.value.mask_module.context_modules.0.mask_scores";
  const path = await changed("drifted.safetensors", (entries) => ({
    ...entries,
    [value]: ndarray(Float32Array.of(7, 8), [2, 1]),
  }));
  await expect(readScores(path, layout)).rejects.toThrow(
    `${value}: expected the scores of ${value.replace("value", "query")}, which it shares, got others`,
  );
});

test("scores of another family are refused by name", async () => {
  const path = join(folder, "distilbert.safetensors");
  const other = scoreLayout({ ...sizes, model_type: "distilbert" }, settings);
  await writeScores(path, other, scores, settings);
  await expect(readScores(path, layout)).rejects.toThrow("expected scores of a bert, got those of a distilbert");
});

test("a file is enough to look at masks", async () => {
  const path = join(folder, "whole.safetensors");
  await writeScores(path, layout, scores, settings);
  expect(await readPruned(path)).toEqual({ layout, scores, threshold: settings.finalThreshold });
  const foreign = await changed("foreign.safetensors", (entries) => entries);
  await expect(readPruned(foreign)).rejects.toThrow("foreign.safetensors: expected pruning_settings and encoder_sizes");
});

test("2:4 scores of six patterns are read in the order that is stored beside them", async () => {
  const annealing = fromNnPruning({
    ...{ attention_block_rows: 2, attention_block_cols: 4, dense_pruning_method: "disabled" },
    ampere_pruning_method: "annealing",
  });
  const whole = { ...sizes, intermediate_size: 8 };
  const own = scoreLayout(whole, annealing);
  const drawn = Object.fromEntries(
    own.scores.map(({ name, shape }, at) => [
      name,
      ndarray(
        Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => at + (i % 6)),
        shape,
      ),
    ]),
  );
  const path = join(folder, "annealing.safetensors");
  await writeScores(path, own, drawn, annealing);
  expect(await readScores(path, own)).toEqual(drawn);
  const { tensors } = await readSafetensors(path);
  const reversed = Object.entries(tensors).map(([name, { shape, data }]) => {
    const values = Array.from(data as Float32Array);
    // The last axis of scores, and the patterns themselves, backwards.
    const rows = name.endsWith("ampere_pattern") ? 4 : 1;
    const blocks = Array.from({ length: values.length / (6 * rows) }, (_, at) =>
      values.slice(at * 6 * rows, (at + 1) * 6 * rows),
    );
    const flip = (block: number[]) =>
      Array.from({ length: 6 }, (_, at) => block.slice((5 - at) * rows, (6 - at) * rows)).flat();
    const changed = name.includes("ampere") ? blocks.flatMap(flip) : values;
    return [name, ndarray(Float32Array.from(changed), shape)] as const;
  });
  await writeSafetensors(path, Object.fromEntries(reversed));
  expect(await readScores(path, own)).toEqual(drawn);
});

test("patterns of 2:4 sparsity that lack one are refused", async () => {
  const annealing = fromNnPruning({
    ampere_pruning_method: "annealing",
    attention_block_rows: 2,
    attention_block_cols: 4,
  });
  const annealed = scoreLayout({ ...sizes, intermediate_size: 8 }, annealing);
  const path = join(folder, "patterns.safetensors");
  await writeScores(path, annealed, initialScores(annealed), annealing);
  const { tensors } = await readSafetensors(path);
  const entries = Object.entries(tensors).map(([key, { shape, data }]) => {
    const values = (data as Float32Array).slice();
    if (key.endsWith(".ampere_pattern")) values.fill(1);
    return [key, ndarray(values, shape)] as const;
  });
  await writeSafetensors(path, Object.fromEntries(entries));
  await expect(readScores(path, annealed)).rejects.toThrow("ampere_pattern: expected each pattern of two in four once");
});

test("a file of masks by magnitude has settings alone", async () => {
  const own = fromNnPruning({
    ...{ attention_pruning_method: "magnitude", dense_pruning_method: "magnitude:1d_alt" },
    ...{ attention_block_rows: 2, attention_block_cols: 4, final_threshold: 0.5 },
  });
  const path = join(folder, "magnitude.safetensors");
  await writeScores(path, scoreLayout(sizes, own), {}, own);
  expect(await readPruned(path)).toEqual({ layout: scoreLayout(sizes, own), scores: {}, threshold: 0.5 });
});
