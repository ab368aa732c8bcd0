import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isSameTask } from "./same-task.ts";

it("a task goes on only where code, settings and data are those that it was stopped with", async () => {
  const out = await mkdtemp(join(tmpdir(), "same-task-"));
  const inputs = join(out, "inputs.json");
  await writeFile(inputs, "{}");
  const task = { code: "a", settings: "{}", inputs };
  expect(await isSameTask(out, task)).toBe(false);
  expect(await isSameTask(out, task)).toBe(true);
  expect(await isSameTask(out, { ...task, code: "b" })).toBe(false);
  expect(await isSameTask(out, { ...task, code: "b" })).toBe(true);
  await writeFile(inputs, '{"tests":{}}');
  expect(await isSameTask(out, { ...task, code: "b" })).toBe(false);
  expect(await isSameTask(out, { ...task, code: "b", settings: '{"seed":1}' })).toBe(false);
});
