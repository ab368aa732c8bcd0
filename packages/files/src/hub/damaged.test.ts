import { createHash } from "node:crypto";
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { damagedFiles } from "./damaged.ts";

it("blobs are compared with their names: SHA-256, or Git's where the hub knows commits; others have nothing to compare", async () => {
  const dir = await mkdtemp(join(tmpdir(), "hub-"));
  const [blobs, snapshot] = [join(dir, "blobs"), join(dir, "snapshots/main")];
  await mkdir(blobs);
  await mkdir(snapshot, { recursive: true });
  const sha256 = createHash("sha256").update("weights").digest("hex");
  const git = createHash("sha1").update("blob 2\0{}").digest("hex");
  const files = { "model.safetensors": [sha256, "weights"], "config.json": [git, "{}"], "vocab.txt": ["v1", "words"] };
  for (const [name, [blob, content]] of Object.entries(files) as [string, [string, string]][]) {
    await writeFile(join(blobs, blob), content);
    await symlink(join("../../blobs", blob), join(snapshot, name));
  }
  await writeFile(join(snapshot, "merges.txt"), "a copy");
  const damaged = async (gitNames: boolean) => (await damagedFiles(snapshot, { gitNames })).map(({ file }) => file);
  expect(await damaged(true)).toEqual([]);
  for (const [blob, content] of Object.values(files)) await writeFile(join(blobs, blob!), `${content} `);
  expect((await damaged(true)).toSorted()).toEqual(["config.json", "model.safetensors"]);
  expect(await damaged(false)).toEqual(["model.safetensors"]);
});
