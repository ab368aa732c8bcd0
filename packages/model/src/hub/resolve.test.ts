import { execFile, spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { scanCacheDir } from "@huggingface/hub";
import type { HubProgress } from "@pruning-bias/files";
import { describeData } from "@pruning-bias/oracle";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadCheckpoint } from "../checkpoint.ts";
import { resolveModel } from "./resolve.ts";

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

  it("refuses a file of another length, and a small one that is not the git object announced", async () => {
    const served: RequestListener = (request, response) => {
      const file = request.url!.split("/").at(-1)!;
      const content = files[file];
      if (content === undefined) return response.writeHead(404).end();
      const size = request.url!.includes("short") && file === "model.safetensors" ? 10 : content.length;
      const object = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
      const etag = request.url!.includes("object") ? "0".repeat(40) : object;
      return response
        .writeHead(200, { "x-linked-size": size, etag: `"${etag}"`, "x-repo-commit": COMMIT })
        .end(content);
    };
    const endpoint = await serve(served);
    await expect(resolveModel("o/short", { endpoint, cacheDir })).rejects.toThrow(
      "model.safetensors: expected 10 bytes, got more",
    );
    await expect(resolveModel("o/object", { endpoint, cacheDir })).rejects.toThrow("expected git object 000");
    expect(await resolveModel("o/right", { endpoint, cacheDir })).toContain(COMMIT);
  });

  it("goes on behind what came where a connection is cut, again and again", async () => {
    const ranges: (string | undefined)[] = [];
    const endpoint = await serve(cutting(100_000, ranges));
    const seen: HubProgress[] = [];
    const dir = await resolveModel("org/tiny", { endpoint, cacheDir, onProgress: (state) => seen.push(state) });
    expect(await readFile(join(dir, "model.safetensors"), "utf8")).toBe(files["model.safetensors"]);
    expect(ranges).toStrictEqual([undefined, "bytes=100000-", "bytes=200000-", "bytes=300000-"]);
    const weights = seen.filter(({ file }) => file === "model.safetensors");
    expect(weights.at(-1)).toStrictEqual({ file: "model.safetensors", bytes: 350_000, totalBytes: 350_000 });
    expect(weights.map(({ bytes }) => bytes)).toStrictEqual(
      weights.map(({ bytes }) => bytes).toSorted((a, b) => a - b),
    );
  });

  it("goes on with what a process that is gone has left, not with what a living one writes", async () => {
    const ranges: (string | undefined)[] = [];
    const endpoint = await serve(cutting(Infinity, ranges));
    const blobs = join(cacheDir, "models--org--tiny", "blobs");
    await mkdir(blobs, { recursive: true });
    const content = files["model.safetensors"]!;
    const part = (pid: number, size: number) =>
      writeFile(
        join(blobs, `${sha256(content)}.${pid}@${hostname()}.${randomUUID()}.incomplete`),
        content.slice(0, size),
      );
    const { pid: gone } = spawnSync(process.execPath, ["-e", ""]);
    await part(gone, 50_000);
    await part(gone, 70_000);
    await part(process.pid, 90_000);
    const dir = await resolveModel("org/tiny", { endpoint, cacheDir });
    expect(ranges).toStrictEqual([undefined, "bytes=70000-"]);
    expect(await readFile(join(dir, "model.safetensors"), "utf8")).toBe(content);
  });

  it("begins anew where the server cannot go on in the middle", async () => {
    let cut = true;
    const endpoint = await serve((request, response) => {
      if (!request.url!.endsWith("model.safetensors") || !cut) return plain([])(request, response);
      cut = false;
      response.writeHead(200, { "content-length": 350_000, etag: '"1-1"' }).write("x".repeat(1000));
      setTimeout(() => response.destroy(), 20);
    });
    const dir = await resolveModel("org/tiny", { endpoint, cacheDir });
    expect(await readFile(join(dir, "model.safetensors"), "utf8")).toBe(files["model.safetensors"]);
  });

  it("names a download that is always cut short", async () => {
    const endpoint = await serve((request, response) => {
      if (!request.url!.endsWith("model.safetensors")) return plain([])(request, response);
      response.writeHead(200, { "content-length": 350_000 }).flushHeaders();
      setTimeout(() => response.destroy(), 5);
    });
    await expect(resolveModel("org/tiny", { endpoint, cacheDir, retries: 2 })).rejects.toThrow(
      "the download was cut short",
    );
  });

  it("gives up a connection on which nothing comes", async () => {
    const endpoint = await serve(() => {});
    const options = { endpoint, cacheDir, idleTimeout: 50, retryDelay: 1, retries: 1 };
    await expect(resolveModel("org/tiny", options)).rejects.toThrow("cannot be reached (nothing came for 0.05 s)");
    const slow = await serve((request, response) => {
      if (!request.url!.endsWith("model.safetensors")) return plain([])(request, response);
      response.writeHead(200, { "content-length": 350_000 }).write("weights");
    });
    await expect(resolveModel("org/tiny", { ...options, endpoint: slow })).rejects.toThrow(
      "the download was cut short (nothing came for 0.05 s)",
    );
  });

  it("waits as long as the hub asks, a few times, and not for ever", async () => {
    const times: number[] = [];
    const endpoint = await serve((request, response) => {
      if (request.url!.includes("long")) return response.writeHead(429, { "retry-after": "4000" }).end();
      times.push(performance.now());
      if (times.length > 2) return plain([])(request, response);
      const headers = times.length === 1 ? { "retry-after": "1" } : {};
      return response.writeHead(times.length === 1 ? 429 : 503, headers).end();
    });
    await resolveModel("org/tiny", { endpoint, cacheDir, retryDelay: 1 });
    expect(times[1]! - times[0]!).toBeGreaterThan(990);
    expect(times[2]! - times[1]!).toBeLessThan(500);
    await expect(resolveModel("org/long", { endpoint, cacheDir })).rejects.toThrow(
      "answered 429: too many requests: it asks to wait 4000 s",
    );
  });

  it("asks nobody when it is to be offline", async () => {
    const asked: string[] = [];
    const endpoint = await serve(plain(asked));
    const offline = { endpoint, cacheDir, offline: true };
    await expect(resolveModel("org/tiny", offline)).rejects.toThrow(
      `org/tiny: expected config.json in ${cacheDir}, found none, and is to ask nobody (offline)`,
    );
    expect(asked).toStrictEqual([]);
    const dir = await resolveModel("org/tiny", { endpoint, cacheDir });
    expect(await resolveModel("org/tiny", offline)).toBe(dir);
    await rm(join(dir, "model.safetensors"));
    await expect(resolveModel("org/tiny", offline)).rejects.toThrow("expected model.safetensors in");
  });

  it("takes the revision asked for, even one proposed on the hub", async () => {
    const asked: string[] = [];
    const endpoint = await serve(plain(asked));
    const dir = await resolveModel("org/tiny", { endpoint, cacheDir, revision: "refs/pr/3" });
    expect(asked[0]).toBe("/org/tiny/resolve/refs%2Fpr%2F3/config.json");
    expect(await resolveModel("org/tiny", { endpoint: "http://127.0.0.1:1", cacheDir, revision: "refs/pr/3" })).toBe(
      dir,
    );
  });

  it("several at once do not disturb each other", async () => {
    const endpoint = await serve(cutting(120_000, []));
    const dirs = await Promise.all([1, 2, 3].map(() => resolveModel("org/tiny", { endpoint, cacheDir })));
    expect(new Set(dirs).size).toBe(1);
    expect(await readFile(join(dirs[0]!, "model.safetensors"), "utf8")).toBe(files["model.safetensors"]);
    expect((await readdir(join(cacheDir, "models--org--tiny", "blobs"))).join()).not.toContain("incomplete");
  });

  it("two processes at once do not disturb each other", async () => {
    const endpoint = await serve(cutting(120_000, []));
    const module = new URL("resolve.ts", import.meta.url).href;
    const program = `const { resolveModel } = await import(${JSON.stringify(module)});
      process.stdout.write(await resolveModel("org/tiny", ${JSON.stringify({ endpoint, cacheDir })}));`;
    const each = () => promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
    const [one, other] = await Promise.all([each(), each()]);
    expect(one.stdout).toBe(other.stdout);
    expect(await readFile(join(one.stdout, "model.safetensors"), "utf8")).toBe(files["model.safetensors"]);
    expect((await readdir(join(cacheDir, "models--org--tiny", "blobs"))).join()).not.toContain("incomplete");
  });

  it("takes vocab.txt for a tokenizer, and all shards of a checkpoint", async () => {
    const index = { weight_map: { a: "model-1-of-2.safetensors", b: "model-2-of-2.safetensors" } };
    const sharded: Record<string, string> = {
      "config.json": "{}",
      "vocab.txt": "[PAD]",
      "model.safetensors.index.json": JSON.stringify(index),
      "model-1-of-2.safetensors": "first",
      "model-2-of-2.safetensors": "second",
    };
    const endpoint = await serve((request, response) => {
      const content = sharded[request.url!.split("/").at(-1)!];
      response.writeHead(content === undefined ? 404 : 200).end(content);
    });
    const dir = await resolveModel("org/large", { endpoint, cacheDir });
    expect((await readdir(dir)).toSorted()).toStrictEqual(Object.keys(sharded).toSorted());
    expect(await resolveModel("org/large", { endpoint, cacheDir, offline: true })).toBe(dir);
    sharded["model.safetensors.index.json"] = JSON.stringify({ weight_map: { a: "../../passwd" } });
    await expect(resolveModel("org/evil", { endpoint, cacheDir })).rejects.toThrow("expected an index of safetensors");
  });

  it("fetches again what was damaged or removed, also where another file could take its place", async () => {
    const asked: string[] = [];
    const endpoint = await serve(plain(asked));
    const dir = await resolveModel("org/tiny", { endpoint, cacheDir });
    const tokenizer = join(dir, "tokenizer.json");
    const problems: string[] = [];
    await writeFile(await realpath(tokenizer), "damaged");
    await resolveModel("org/tiny", { endpoint, cacheDir, onDamaged: (problem) => problems.push(problem) });
    expect(problems).toEqual([expect.stringMatching(/^org\/tiny: tokenizer\.json: expected the content that/)]);
    expect(await readFile(tokenizer, "utf8")).toBe(files["tokenizer.json"]);
    await rm(await realpath(tokenizer));
    await expect(resolveModel("org/tiny", { endpoint, cacheDir, offline: true })).rejects.toThrow(
      /^org\/tiny: expected tokenizer\.json in /,
    );
    await resolveModel("org/tiny", { endpoint, cacheDir });
    expect(await readFile(tokenizer, "utf8")).toBe(files["tokenizer.json"]);
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
      resolveModel(model, { endpoint, token: "secret", cacheDir, retryDelay: 1 }).then(
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

const sha256 = (content: string): string => createHash("sha256").update(content).digest("hex");

/** A server that cuts the weights after so many bytes, and goes on where it is asked to. */
const cutting =
  (after: number, ranges: (string | undefined)[]): RequestListener =>
  (request, response) => {
    const file = request.url!.split("/").at(-1)!;
    const content = files[file];
    if (content === undefined) return response.writeHead(404).end();
    const headers = { etag: `"${sha256(content)}"` };
    if (file !== "model.safetensors") return response.writeHead(200, headers).end(content);
    const { range } = request.headers;
    ranges.push(range);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    const total = content.length;
    response.writeHead(from > 0 ? 206 : 200, {
      ...headers,
      "content-length": total - from,
      ...(from > 0 && { "content-range": `bytes ${from}-${total - 1}/${total}` }),
    });
    if (total - from <= after) return response.end(content.slice(from));
    return response.write(content.slice(from, from + after), () => setTimeout(() => response.destroy(), 20));
  };
