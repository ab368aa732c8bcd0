import { mkdtemp, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder, temporaryName, writeFlushed, writeWhole } from "./whole.ts";

const folder = async () => join(await mkdtemp(join(tmpdir(), "whole-")), "new");

it("a file is written with its folder, and leftovers of killed writers go, those of others stay", async () => {
  const dir = await folder();
  await writeWhole(join(dir, "a.json"), "1");
  const [old, new_, other] = ["a.json", "a.json", "b.json"].map((name) => temporaryName(join(dir, name)));
  const kept = [new_!, other!, join(dir, "a.json.txt"), join(dir, "a.json.part")];
  for (const path of [old!, ...kept]) await writeFile(path, "half");
  for (const path of [old!, ...kept.slice(1)]) await utimes(path, new Date(0), new Date(0));
  await writeWhole(join(dir, "a.json"), Uint8Array.of(50));
  const there = (await readdir(dir)).map((name) => join(dir, name));
  expect(there.toSorted()).toEqual([join(dir, "a.json"), ...kept].toSorted());
  expect(await readFile(join(dir, "a.json"), "utf8")).toBe("2");
});

it("pieces follow each other, and a stream that breaks leaves the file as it was and says itself why", async () => {
  const path = join(await folder(), "a.txt");
  const pieces = function* (end?: Error) {
    yield Buffer.from("one ");
    yield Buffer.from("two");
    if (end !== undefined) throw end;
  };
  await writeWhole(path, pieces());
  expect(await readFile(path, "utf8")).toBe("one two");
  await expect(writeWhole(path, pieces(new Error("http://a.test: cut off")))).rejects.toThrow(/^http:\S+ cut off$/);
  expect(await readFile(path, "utf8")).toBe("one two");
  expect(await readdir(join(path, ".."))).toEqual(["a.txt"]);
});

it("what cannot be written is named, and nothing is left", async () => {
  const dir = await folder();
  await writeWhole(join(dir, "a"), "");
  for (const content of ["text", [Buffer.from("piece")]]) {
    await expect(writeWhole(join(dir, "a/b"), content)).rejects.toThrow(`${join(dir, "a/b")}: cannot be written: E`);
    await writeWhole(join(dir, "folder/in"), "");
    await expect(writeWhole(join(dir, "folder"), content)).rejects.toThrow(
      `${join(dir, "folder")}: cannot be written: EISDIR`,
    );
  }
  expect((await readdir(dir)).toSorted()).toEqual(["a", "folder"]);
});

it("a file that is there is not written over unless it is to be replaced", async () => {
  const path = join(await folder(), "a");
  await writeWhole(path, "before");
  await expect(writeFlushed(path, "after")).rejects.toThrow("EEXIST");
  expect(await readFile(path, "utf8")).toBe("before");
});

it("a folder is made with those that it lies in, and one that cannot be says why", async () => {
  const dir = await folder();
  await makeFolder(join(dir, "a/b"));
  await makeFolder(join(dir, "a/b"));
  expect(await readdir(join(dir, "a"))).toEqual(["b"]);
  await writeWhole(join(dir, "file"), "");
  await expect(makeFolder(join(dir, "file/c/d"))).rejects.toThrow(/^ENOTDIR: .*file/);
  await expect(makeFolder(join(dir, "file"))).rejects.toThrow(/^EEXIST: /);
});
