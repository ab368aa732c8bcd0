import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeGolden } from "@pruning-bias/oracle";
import { readSafetensors } from "@pruning-bias/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";

describeGolden("checkpoints that Hugging Face wrote", "models/bert", (folder) => {
  let copy: string;
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), "checkpoint-"));
  });
  afterAll(() => rm(copy, { recursive: true }));

  it.each(["masked-lm", "sequence-classification"])("%s: saved again, it is the same file", async (name) => {
    const original = join(folder, name);
    await saveCheckpoint(copy, await loadCheckpoint(original), { tokenizerFrom: original });
    const [before, after] = [original, copy].map((dir) => readSafetensors(join(dir, "model.safetensors")));
    expect(await after).toStrictEqual(await before);
    const [config, again] = await Promise.all(
      [original, copy].map((dir) => readFile(join(dir, "config.json"), "utf8")),
    );
    expect(JSON.parse(again!)).toStrictEqual(JSON.parse(config!));
  });

  it("pretraining-legacy: gamma and beta become weight and bias", async () => {
    const original = join(folder, "pretraining-legacy");
    await saveCheckpoint(copy, await loadCheckpoint(original));
    const [before, after] = await Promise.all(
      [original, copy].map(async (dir) => (await readSafetensors(join(dir, "model.safetensors"))).tensors),
    );
    const renamed = Object.entries(before!).map(
      ([name, tensor]) => [name.replace(/gamma$/, "weight").replace(/beta$/, "bias"), tensor] as const,
    );
    expect(after).toStrictEqual(Object.fromEntries(renamed));
    expect(JSON.parse(await readFile(join(copy, "config.json"), "utf8")).architectures).toStrictEqual([
      "BertForPreTraining",
    ]);
  });
});
