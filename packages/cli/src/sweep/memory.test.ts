import { expect, it } from "vitest";
import { compose } from "../config/compose.ts";
import { memoryHere, memoryOf, memoryOfMaskedLm, memoryText, slurmMemoryText } from "./memory.ts";
import { modelShape } from "./model-shape.ts";

const memory = (...overrides: string[]) => {
  const { config } = compose(overrides);
  return memoryOf(config, modelShape(config, "/nowhere", "/nowhere")!);
};

it("is near the peaks that were measured of BERT-base with 16 sentences of 128 tokens at once", () => {
  const together = ["datamodule.microbatch=16", "datamodule.token_budget=2048", "datamodule.original_cache=0"];
  const frozen = memory("experiment=debias_head_pruning_frozen", ...together) / 1e9;
  const unfrozen = memory("experiment=debias_block_pruning_unfrozen", ...together) / 1e9;
  expect(Math.abs(frozen / 3.1 - 1)).toBeLessThan(0.2);
  expect(Math.abs(unfrozen / 5.6 - 1)).toBeLessThan(0.2);
});

it("counts the embeddings of the original that stay in memory, as many as there are or may stay", () => {
  const more = (...overrides: string[]) => memory(...overrides) - memory(...overrides, "datamodule.original_cache=0");
  // DistilBERT, six layers and the embeddings.
  const sentence = 4 * 7 * 768;
  expect(more()).toBe(1e9 + 2000 * sentence);
  expect(more("datamodule.original_cache=2e6")).toBe(4e6);
  expect(more("trainer.max_steps=3", "trainer.limit_val_sentences=10")).toBe((3 * 128 + 20) * sentence);
  expect(more("experiment=debias_inlp")).toBe(0);
});

it("is said before a sweep starts, with a warning where it is not there", () => {
  expect(memoryText(3e9, 16e9, { each: " a task" })).toBe("memory: about 3.0 GB a task, of 16.0 GB here");
  expect(memoryText(3e9, 8e9, { each: " a task", parallel: 4 })).toBe(
    "warning: memory: about 3.0 GB a task, 12.0 GB for 4 at once, and there are 8.0 GB here: the system may end tasks (a smaller --parallel takes less)",
  );
});

it("counts a container's limit, where there is one", () => {
  expect(memoryHere(2e6)).toBe(2e6);
  expect(memoryHere(0)).toBeGreaterThan(1e8);
  expect(memoryHere(2 ** 63)).toBe(memoryHere(0));
});

it("is said before a run starts, with what would take less", () => {
  expect(memoryText(3e9, 16e9)).toBe("memory: about 3.0 GB, of 16.0 GB here");
  expect(memoryText(9e9, 8e9, { smaller: "finetune.token_budget" })).toBe(
    "warning: memory: about 9.0 GB, and there are 8.0 GB here: the system may end tasks (a smaller finetune.token_budget takes less)",
  );
});

it.each([
  ["8G", "memory: about 3.0 GB a task, of slurm.memory=8G"],
  ["3000", "memory: about 3.0 GB a task, of slurm.memory=3000"],
  ["0", "memory: about 3.0 GB a task, of slurm.memory=0"],
  [
    "2000M",
    "warning: memory: about 3.0 GB a task, and slurm.memory=2000M: Slurm may end tasks (slurm.memory=3G is enough)",
  ],
  [undefined, "memory: about 3.0 GB a task; jobs get what the cluster gives, or what slurm.memory says"],
])("is set beside slurm.memory=%s", (given, text) => {
  expect(slurmMemoryText(3e9, given)).toBe(text);
});

it("of masked-language-model training grows with its own batch, and not with that of debiasing", () => {
  const cda = (...more: string[]) => memory("experiment=debias_cda", ...more);
  expect(cda("datamodule.batch_size=1", "datamodule.token_budget=1")).toBe(cda());
  expect(cda("alternative.batch_size=64")).toBeGreaterThan(1.3 * cda());
  const { config } = compose(["experiment=debias_cda"]);
  const shape = modelShape(config, "/nowhere", "/nowhere")!;
  expect(memoryOfMaskedLm(shape, { sentences: 32 })).toBe(cda());
  expect(memoryOfMaskedLm(shape, { sentences: 32, width: 16 })).toBeLessThan(cda());
  expect(memory("experiment=debias_inlp")).toBeLessThan(1.5e9);
});
