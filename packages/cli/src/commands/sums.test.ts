import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { checkModel, checkThere, MODEL_SUMS, readChecked, readSums, writeSums } from "./sums.ts";

it("files and all in folders have digests, and a changed file is refused by name", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sums-"));
  await mkdir(join(dir, "model"));
  await writeFile(join(dir, "bias.json"), "{}");
  await writeFile(join(dir, "model/config.json"), "{}");
  await writeSums(join(dir, "train.sha256"), ["bias.json", "model", "absent"]);
  const sums = await readSums(dir);
  expect(await readChecked(join(dir, "bias.json"), sums)).toBe("{}");
  await writeFile(join(dir, "bias.json"), "{ }");
  await expect(readChecked(join(dir, "bias.json"), sums)).rejects.toThrow(
    /bias\.json: expected sha256 44136f.*it is damaged/,
  );
  // What nobody wrote down is read as it is.
  expect(await readChecked(join(dir, "bias.json"), new Map())).toBe("{ }");
});

it.skipIf(process.platform !== "linux")("sha256sum reads the digests", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sums-"));
  await writeFile(join(dir, "bias.json"), "{}");
  await writeSums(join(dir, "train.sha256"), ["bias.json"]);
  const said = execFileSync("sha256sum", ["--check", "--strict", "train.sha256"], { cwd: dir, encoding: "utf8" });
  expect(said).toBe("bias.json: OK\n");
});

it("a model's folder is compared where it has digests", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sums-"));
  await writeFile(join(dir, "config.json"), "{}");
  await checkModel(dir);
  await writeSums(join(dir, MODEL_SUMS), ["config.json"]);
  await checkModel(dir);
  await writeFile(join(dir, "config.json"), "[]");
  await expect(checkModel(dir)).rejects.toThrow(/config\.json: expected sha256/);
});

it("digests of files outside of the folder are passed over", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sums-"));
  const [inside, outside] = ["..a", `${"../".repeat(40)}dev/zero`];
  await writeFile(
    join(dir, MODEL_SUMS),
    [inside, outside, ".."].map((name) => `${"0".repeat(64)}  ${name}\n`).join(""),
  );
  expect([...(await readSums(dir)).keys()]).toEqual([join(dir, inside!)]);
  await checkModel(dir);
});

it("what is gone and has a digest is missed, what has none is not", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sums-"));
  await mkdir(join(dir, "model"));
  for (const name of ["model/a", "tokenizer.json", "README.md"]) await writeFile(join(dir, name), name);
  await writeSums(join(dir, MODEL_SUMS), ["model", "tokenizer.json", "README.md"]);
  for (const name of ["model", "README.md"]) await rm(join(dir, name), { recursive: true });
  await checkModel(dir);
  const sums = await readSums(dir);
  checkThere(join(dir, "mode"), sums);
  checkThere(join(dir, "tokenizer.json"), sums);
  expect(() => checkThere(join(dir, "model"), sums)).toThrow(/model: expected what was written there/);
  await rm(join(dir, "tokenizer.json"));
  await expect(checkModel(dir)).rejects.toThrow(/tokenizer\.json: expected what was written there/);
});
