import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./command-line.ts";
import { smallModel } from "./small-model.ts";
import { copyOfWorkspace } from "./workspace-copy.ts";

const token = "s3cret-t0ken-of-the-cache";

/** Nx' self-hosted cache: GET and PUT of `/v1/cache/HASH` for those who have the token. */
function cacheServer(): Server & { readonly stored: Map<string, Buffer>; readonly served: string[] } {
  const stored = new Map<string, Buffer>();
  const served: string[] = [];
  const server = createServer(async (request, response) => {
    const { method, url = "", headers } = request;
    const hash = /^\/v1\/cache\/(\w+)$/.exec(url)?.[1];
    const end = (code: number, body?: Buffer) => response.writeHead(code).end(body);
    if (headers.authorization !== `Bearer ${token}`) return end(401);
    if (hash === undefined) return end(404);
    if (method === "PUT") {
      if (stored.has(hash)) return end(409);
      stored.set(hash, await buffer(request));
      return end(200);
    }
    const found = stored.get(hash);
    if (found !== undefined) served.push(hash);
    return end(found === undefined ? 404 : 200, found);
  });
  return Object.assign(server, { stored, served });
}

describe("a sweep over Nx' remote cache", () => {
  const server = cacheServer();
  let overrides: string[];
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    ({ overrides } = await smallModel());
  });
  afterAll(() => void server.close());

  const machine = async (accessToken: string) => {
    const root = await copyOfWorkspace();
    const env = {
      NX_SELF_HOSTED_REMOTE_CACHE_SERVER: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      NX_SELF_HOSTED_REMOTE_CACHE_ACCESS_TOKEN: accessToken,
    };
    return { root, ended: await run(["sweep", "name=small", ...overrides, "--json"], { root, env }) };
  };
  const hits = (stderr: string) => /Cache:\s+(\d+)\/(\d+) hit/.exec(stderr)?.slice(1).map(Number);

  it("finds on another machine, whose own cache is empty, what the first one has run", async () => {
    const first = await machine(token);
    expect(first.ended.code, first.ended.stderr).toBe(0);
    expect(server.stored.size).toBe(5);
    expect(server.served).toEqual([]);
    const second = await machine(token);
    expect(second.ended.code, second.ended.stderr).toBe(0);
    expect(hits(second.ended.stderr)).toEqual([5, 5]);
    expect(new Set(server.served)).toEqual(new Set(server.stored.keys()));
    const results = ["run/bias.json", "run/metrics.jsonl", "run/scores.safetensors", "results.csv"];
    for (const file of results) {
      const read = ({ root }: { root: string }) => readFileSync(join(root, "runs/small", file));
      expect(read(second), file).toEqual(read(first));
    }
    // The token is in no hash, no result, no log and no entry of the cache.
    for (const { root, ended } of [first, second]) {
      expect(ended.stdout + ended.stderr).not.toContain(token);
      for (const folder of ["runs", "experiments", ".nx"]) expect(holding(join(root, folder), token)).toEqual([]);
    }
    expect([...server.stored.values()].filter((entry) => entry.includes(token))).toEqual([]);
  }, 240_000);
});

/** Files below a folder that hold a text. */
const holding = (folder: string, text: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
