import { createHash } from "node:crypto";
import { lstat, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scanCacheDir } from "@huggingface/hub";
import { describeData } from "@pruning-bias/oracle";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadCheckpoint } from "./checkpoint.ts";
import { resolveModel } from "./hub.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const files: Record<string, string> = {
  "config.json": "{}",
  "tokenizer.json": '{"model": {}}',
  "model.safetensors": "weights".repeat(50_000),
  "vocab.txt": "[PAD]\n",
};

let cacheDir: string;
let servers: Server[];
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "hub-"));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) server.close();
  await rm(cacheDir, { recursive: true });
});

describe("resolveModel", () => {
  it("takes a folder as it is", async () => {
    expect(await resolveModel(cacheDir, { endpoint: "http://127.0.0.1:1", cacheDir })).toBe(cacheDir);
  });

  it("downloads from a server that knows nothing but files, once", async () => {
    const asked: string[] = [];
    const endpoint = await serve(plain(asked));
    const dir = await resolveModel("org/tiny", { endpoint, cacheDir });
    for (const [file, content] of Object.entries(files)) expect(await readFile(join(dir, file), "utf8")).toBe(content);
    expect(asked).toContain("/org/tiny/resolve/main/model.safetensors");
    asked.length = 0;
    expect(await resolveModel("org/tiny", { endpoint: "http://127.0.0.1:1", cacheDir })).toBe(dir);
    expect(asked).toStrictEqual([]);
  });

  it("takes an id without organisation", async () => {
    const asked: string[] = [];
    const endpoint = await serve(plain(asked));
    const dir = await resolveModel("tiny", { endpoint, cacheDir });
    expect(await readFile(join(dir, "config.json"), "utf8")).toBe("{}");
    expect(asked).toContain("/tiny/resolve/main/config.json");
  });

  it("reads the hub's headers, through its redirects, and lays the cache out as Hugging Face does", async () => {
    const tokens: (string | undefined)[] = [];
    const asked: [token: string | undefined, revision: string | boolean | undefined][] = [];
    const storage = await serve((request, response) => {
      tokens.push(request.headers.authorization);
      response.end(files[request.url!.slice(1)]);
    });
    const endpoint = await serve((request, response) => {
      const [, revision, file] = /\/resolve\/(.*)\/(.*)/.exec(request.url!)!;
      asked.push([request.headers.authorization, file === "config.json" ? revision : revision === COMMIT]);
      const content = files[file!];
      if (content === undefined) return response.writeHead(404).end();
      const sha256 = createHash("sha256").update(content).digest("hex");
      const headers = { "x-repo-commit": COMMIT, "x-linked-etag": `"${sha256}"`, location: `${storage}/${file}` };
      return response.writeHead(302, headers).end();
    });
    const dir = await resolveModel("org/tiny", { endpoint, token: "secret", cacheDir });
    expect(dir).toBe(join(cacheDir, "models--org--tiny", "snapshots", COMMIT));
    expect(await readFile(join(cacheDir, "models--org--tiny", "refs", "main"), "utf8")).toBe(COMMIT);
    expect((await lstat(join(dir, "model.safetensors"))).isSymbolicLink()).toBe(true);
    expect(new Set(tokens)).toStrictEqual(new Set([undefined])); // the token is for the hub alone
    expect(asked).toStrictEqual([["Bearer secret", "main"], ...asked.slice(1).map(() => ["Bearer secret", true])]);

    const { repos, warnings } = await scanCacheDir(cacheDir);
    expect(warnings).toStrictEqual([]);
    expect(repos[0]).toMatchObject({ id: { name: "org/tiny", type: "model" }, filesCount: 4 });
    const [revision] = repos[0]!.revisions;
    expect(revision).toMatchObject({ commitOid: COMMIT, refs: ["main"] });
  });

  it("refuses a file whose hash is not the one announced, and goes on from there once mended", async () => {
    let broken = true;
    const asked: string[] = [];
    const endpoint = await serve((request, response) => {
      const file = request.url!.split("/").at(-1)!;
      asked.push(file);
      if (!(file in files)) return response.writeHead(404).end();
      const sha256 = createHash("sha256").update(files[file]!).digest("hex");
      const content = broken && file === "model.safetensors" ? "wrong" : files[file];
      return response.writeHead(200, { etag: `"${sha256}"`, "x-repo-commit": COMMIT }).end(content);
    });
    await expect(resolveModel("org/tiny", { endpoint, cacheDir })).rejects.toThrow(
      /model\.safetensors: expected sha256 \w+, got \w+$/,
    );
    broken = false;
    asked.length = 0;
    const dir = await resolveModel("org/tiny", { endpoint, cacheDir });
    expect(await readFile(join(dir, "model.safetensors"), "utf8")).toBe(files["model.safetensors"]);
    expect(asked).not.toContain("tokenizer.json");
    expect((await readdir(join(cacheDir, "models--org--tiny", "blobs"))).join()).not.toContain("incomplete");
  });

  it("names a download that was cut short", async () => {
    const endpoint = await serve((request, response) => {
      if (!request.url!.endsWith("model.safetensors")) return plain([])(request, response);
      response.writeHead(200, { "content-length": "100000" }).write("half");
      setTimeout(() => response.destroy(), 20);
    });
    await expect(resolveModel("org/tiny", { endpoint, cacheDir })).rejects.toThrow("the download was cut short");
  });

  it("says in one line what the hub answered", async () => {
    const endpoint = await serve((request, response) => {
      const status = Number(/status-(\d+)/.exec(request.url!)?.[1] ?? 200);
      if (request.url!.includes("no-weights") && request.url!.endsWith("model.safetensors")) {
        return response.writeHead(404).end();
      }
      return status === 200 ? plain([])(request, response) : response.writeHead(status).end();
    });
    const message = (model: string) =>
      resolveModel(model, { endpoint, token: "secret", cacheDir }).then(
        () => "resolved",
        (error: Error) => error.message,
      );
    const url = (model: string) => `${model}: ${endpoint}/${model}/resolve/main`;
    expect(await message("o/status-401")).toBe(
      `${url("o/status-401")}/config.json answered 401: no such model, or one that needs a token with access to it`,
    );
    expect(await message("o/status-404")).toBe(
      `${url("o/status-404")}/config.json answered 404: no such model, revision or file`,
    );
    expect(await message("o/status-503")).toBe(`${url("o/status-503")}/config.json answered 503`);
    expect(await message("o/no-weights")).toContain("answered 404: the model has no model.safetensors");
    expect(await message("./missing/folder")).toBe(
      "./missing/folder: expected a folder or a model's id such as ORG/NAME, got neither",
    );
  });

  it("says in one line that the hub cannot be reached, without the token", async () => {
    const endpoint = await serve(plain([]));
    servers.pop()!.close();
    const error: Error = await resolveModel("org/tiny", { endpoint, token: "secret\n", cacheDir }).then(
      () => new Error("resolved"),
      (error) => error,
    );
    expect(error.message).toBe(`org/tiny: ${endpoint} cannot be reached (ECONNREFUSED)`);
    expect(error.stack).not.toContain("secret");
  });
});

describeData("the hub of the shared data", "hub/sentence-transformers/all-MiniLM-L6-v2", (folder) => {
  it("hands out a real model", async () => {
    const endpoint = await serve(async (request, response) => {
      const [, file] = /^\/sentence-transformers\/all-MiniLM-L6-v2\/resolve\/main\/([\w.]+)$/.exec(request.url!) ?? [];
      const content = file === undefined ? undefined : await readFile(join(folder, file)).catch(() => undefined);
      response.writeHead(content === undefined ? 404 : 200).end(content);
    });
    const dir = await resolveModel("sentence-transformers/all-MiniLM-L6-v2", { endpoint, cacheDir });
    expect((await loadCheckpoint(dir)).config).toMatchObject({ num_hidden_layers: 6, hidden_size: 384 });
  });
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Files by their last name, no headers worth reading: an etag that says nothing about the content. */
const plain =
  (asked: string[]): RequestListener =>
  (request, response) => {
    asked.push(request.url!);
    const content = files[request.url!.split("/").at(-1)!];
    response.writeHead(content === undefined ? 404 : 200, { etag: '"1-1"' }).end(content);
  };
