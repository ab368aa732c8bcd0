import { expect, it } from "vitest";
import { compose } from "../config/compose.ts";
import { memoryHere, memoryOf, memoryText } from "./memory.ts";
import { modelShape } from "./model-shape.ts";

const memory = (...overrides: string[]) => {
  const { config } = compose(overrides);
  return memoryOf(config, modelShape(config, "/nowhere", "/nowhere")!);
};

it("is near the peaks that were measured of BERT-base with 16 sentences of 128 tokens at once", () => {
  const together = ["datamodule.microbatch=16", "datamodule.token_budget=2048"];
  const frozen = memory("experiment=debias_head_pruning_frozen", ...together) / 1e9;
  const unfrozen = memory("experiment=debias_block_pruning_unfrozen", ...together) / 1e9;
  expect(Math.abs(frozen / 3.1 - 1)).toBeLessThan(0.2);
  expect(Math.abs(unfrozen / 5.6 - 1)).toBeLessThan(0.2);
});

it("is said before a sweep starts, with a warning where it is not there", () => {
  expect(memoryText(3e9, 1, 16e9)).toBe("memory: about 3.0 GB a task, of 16.0 GB here");
  expect(memoryText(3e9, 4, 8e9)).toBe(
    "warning: memory: about 3.0 GB a task, 12.0 GB for 4 at once, and there are 8.0 GB here: the system may end tasks (a smaller --parallel takes less)",
  );
});

it("counts a container's limit, where there is one", () => {
  expect(memoryHere(2e6)).toBe(2e6);
  expect(memoryHere(0)).toBeGreaterThan(1e8);
  expect(memoryHere(2 ** 63)).toBe(memoryHere(0));
});
