import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors } from "@pruning-bias/runtime";
import { beforeEach, describe, expect, it } from "vitest";
import { loadCheckpoint } from "./checkpoint.ts";
import { parseConfig } from "./config.ts";
import { resolveModel } from "./hub/resolve.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "safe-"));
});
const endpoint = "http://127.0.0.1:1";

describe("names stay in their folder", () => {
  it.each(["../neighbour", "a/..", "a/b/c", "/no/such", "a--b/c", "a..b", "", "a\\b", "a/b\n", "~"])(
    "model %j",
    async (model) => {
      const asked = resolveModel(model, { endpoint, cacheDir: join(dir, "hub") });
      await expect(asked).rejects.toThrow(/expected a folder or a model's id such as ORG\/NAME|expected http/);
      expect(await readdir(dir)).toEqual([]);
    },
  );

  it.each(["..", "../../x", "a/../b", "/x", ".x", "", "a\nb"])("revision %j", async (revision) => {
    const asked = resolveModel("org/name", { endpoint, cacheDir: join(dir, "hub"), revision });
    await expect(asked).rejects.toThrow("org/name: expected a branch, tag or commit as revision");
    expect(await readdir(dir)).toEqual([]);
  });

  it.each(["../x.safetensors", "/etc/x.safetensors", "a/b.safetensors", "..", ".x.safetensors", "model.bin"])(
    "shard %j",
    async (shard) => {
      await writeFile(join(dir, "config.json"), JSON.stringify(small));
      await writeFile(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map: { a: shard } }));
      await expect(loadCheckpoint(dir)).rejects.toThrow("expected an index of safetensors shards, got something else");
    },
  );

  it("a reference in the cache names a commit and nothing else", async () => {
    const storage = join(dir, "models--org--name");
    await mkdir(join(storage, "refs"), { recursive: true });
    await writeFile(join(storage, "refs/main"), "../../../elsewhere");
    await mkdir(join(dir, "elsewhere"));
    for (const file of ["config.json", "tokenizer.json", "model.safetensors"])
      await writeFile(join(dir, "elsewhere", file), "{}");
    const asked = resolveModel("org/name", { endpoint, cacheDir: dir, offline: true });
    await expect(asked).rejects.toThrow("org/name: expected config.json in");
  });
});

describe("pickles are refused by name", () => {
  it.each(["pytorch_model.bin", "scores.pt", "model.pth", "last.ckpt", "x.pkl"])("%s", async (name) => {
    await writeFile(join(dir, name), "\x80\x02.");
    await expect(readSafetensors(join(dir, name))).rejects.toThrow(
      `${join(dir, name)}: expected a safetensors file, got a pickle`,
    );
    await expect(resolveModel(join(dir, name), { endpoint, cacheDir: dir })).rejects.toThrow(
      "got a pickle by its name, which is never read",
    );
  });
});

it("a hub's address has no password in it, and what it redirects to is of the network", async () => {
  const asked = (url: string) =>
    resolveModel("org/name", { endpoint: url, cacheDir: dir, token: "sesame", retries: 0 });
  for (const url of ["http://user:sesame@127.0.0.1:1", "file:///etc", "nowhere", ""]) {
    const said = await asked(url).then(String, (error: Error) => error.message);
    expect(said).toBe(
      "org/name: expected http://HOST or https://HOST as the hub's address, without a password, got another",
    );
  }
  for (const location of ["file:///etc/hostname", "http://[", "javascript:1", "http://user:x@host/"]) {
    const fetch = async () => new Response(null, { status: 302, headers: { location } });
    const led = resolveModel("org/name", { endpoint, cacheDir: dir, fetch, retries: 0 });
    await expect(led).rejects.toThrow(/^org\/name: .* led to something else than a file of the network$/);
  }
});

const small = {
  model_type: "bert",
  vocab_size: 5,
  hidden_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 4,
};

it("a config's own keys of JavaScript have no effect, and sizes have bounds", () => {
  const config = parseConfig(
    JSON.parse(`{${JSON.stringify(small).slice(1, -1)}, "__proto__": {"compact_layers": []}, "constructor": {"x": 1}}`),
  );
  expect(config.compact_layers).toBe(undefined);
  expect(Object.getPrototypeOf(config)).toBe(Object.prototype);
  expect(() => parseConfig({ ...small, num_hidden_layers: 1e9 }, "c")).toThrow(/^c: num_hidden_layers: Too big/);
  const deep = JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`) as unknown;
  expect(() => parseConfig({ ...small, hidden_size: deep }, "c")).toThrow(
    /^c: hidden_size: expected number, got .{1,220}$/,
  );
});
