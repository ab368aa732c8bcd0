import { createHash } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { digestOfFile, hashFile, hashJson, sha256 } from "./digest.ts";

// FIPS 180-2, appendix B.1.
const OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

it("a text, its bytes and a file that holds them have the digest of the standard's example", async () => {
  const dir = await mkdtemp(join(tmpdir(), "digest-"));
  await writeFile(join(dir, "abc"), "abc");
  expect([sha256("abc"), sha256(Buffer.from("abc")), await hashFile(join(dir, "abc"), "a text")]).toEqual(
    Array(3).fill(OF_ABC),
  );
  expect(sha256("a", Buffer.from("bc"), "")).toBe(OF_ABC);
  expect(hashJson({ a: [1, null] })).toBe(sha256('{"a":[1,null]}'));
});

it("another algorithm goes on from what it holds: a blob's name in Git", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "digest-")), "hello");
  await writeFile(path, "hello\n");
  // git hash-object
  expect(await digestOfFile(path, createHash("sha1").update("blob 6\0"))).toBe(
    "ce013625030ba8dba906f756967f9e9ca394464a",
  );
});

it("a file that cannot be read is named, with what it should have been", async () => {
  const dir = await mkdtemp(join(tmpdir(), "digest-"));
  const missing = join(dir, "none");
  await expect(hashFile(missing, "a model")).rejects.toThrow(`${missing}: expected a model, found no such file`);
  await expect(hashFile(dir, "a model")).rejects.toThrow(`${dir}: expected a model, found a folder`);
  await expect(digestOfFile(missing)).rejects.toThrow("ENOENT");
});
