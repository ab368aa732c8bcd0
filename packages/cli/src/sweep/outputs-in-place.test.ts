import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { outputsInPlace } from "./outputs-in-place.ts";

const made = { "runs/a/config.json": "{}", "runs/a/tokenizer.json": "t", "runs/a/model/weights": "w".repeat(3 << 20) };
const outputs = ["runs/a/config.json", "runs/a/tokenizer*.json", "runs/a/model", "runs/a/never"];

let root: string;
const write = async (folder: string, files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, folder, name)), { recursive: true });
    await writeFile(join(root, folder, name), text);
  }
};
const inPlace = () => outputsInPlace(join(root, "workspace"), join(root, "cached"), outputs);
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "outputs-"));
  await write("cached", made);
  await write("workspace", made);
});
afterEach(() => rm(root, { recursive: true }));

describe("outputs lie in place", () => {
  it("when they are the cache's files, whatever else is beside them", async () => {
    await write("workspace", { "runs/a/log": "of another task" });
    expect(inPlace()).toBe(true);
  });

  it.each<[string, Record<string, string>]>([
    ["a byte differs", { "runs/a/model/weights": `${"w".repeat((3 << 20) - 1)}v` }],
    ["one is shorter", { "runs/a/config.json": "{" }],
    ["one lies in a folder besides", { "runs/a/model/old": "" }],
    ["one matches a pattern besides", { "runs/a/tokenizer_config.json": "{}" }],
  ])("but not when %s", async (_, files) => {
    await write("workspace", files);
    expect(inPlace()).toBe(false);
  });

  it("nor when one is missing, or all are", async () => {
    await rm(join(root, "workspace/runs/a/model/weights"));
    expect(inPlace()).toBe(false);
    await rm(join(root, "workspace"), { recursive: true });
    expect(inPlace()).toBe(false);
  });
});
