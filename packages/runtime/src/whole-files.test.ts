import { mkdtemp, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeWhole } from "./whole-files.ts";

it("a file is written with its folder, and leftovers of killed writers go, those of others stay", async () => {
  const dir = join(await mkdtemp(join(tmpdir(), "whole-")), "new");
  await writeWhole(join(dir, "a.json"), "1");
  const old = new Date(0);
  for (const name of ["a.json.123", "a.json.txt", "b.json.123", "a.json.456"]) await writeFile(join(dir, name), "half");
  for (const name of ["a.json.123", "a.json.txt", "b.json.123"]) await utimes(join(dir, name), old, old);
  await writeWhole(join(dir, "a.json"), Uint8Array.of(50));
  expect((await readdir(dir)).toSorted()).toEqual(["a.json", "a.json.456", "a.json.txt", "b.json.123"]);
  expect(await readFile(join(dir, "a.json"), "utf8")).toBe("2");
});
