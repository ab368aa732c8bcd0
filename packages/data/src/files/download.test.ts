import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { download } from "./download.ts";

const dir = temporaryDir();
let server: Server;
let origin = "";
let requests = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests++;
    if (request.url?.startsWith("/short")) {
      response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy());
    } else if (request.url?.startsWith("/words.txt")) response.end("king\n");
    else response.writeHead(404).end("nothing here");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

test("a file is fetched once and keeps the end of its name", async () => {
  const cacheDir = join(dir(), "once");
  requests = 0;
  const path = await download({ url: `${origin}/words.txt?raw=1`, cacheDir });
  expect(await download({ url: `${origin}/words.txt?raw=1`, cacheDir })).toBe(path);
  expect(path).toMatch(/words\.txt$/);
  expect(readFileSync(path, "utf8")).toBe("king\n");
  expect(requests).toBe(1);
});

test("a copy that has changed is told of and fetched again, and named where that cannot be", async () => {
  const options = { url: `${origin}/words.txt`, cacheDir: join(dir(), "changed") };
  const path = await download(options);
  writeFileSync(path, "kinG\n");
  const fetch = () => Promise.reject(new Error("no network"));
  await expect(download({ ...options, fetch })).rejects.toThrow(
    /words\.txt: it is damaged, its sha256 is \w{64} .*no network/,
  );
  const told: string[] = [];
  const onDamaged = (problem: string) => void told.push(problem);
  expect(readFileSync(await download({ ...options, onDamaged }), "utf8")).toBe("king\n");
  expect(told).toEqual([
    expect.stringMatching(/words\.txt: it is damaged, its sha256 is \w{64} and not as it came in$/),
  ]);
  await download({ ...options, onDamaged });
  expect(told).toHaveLength(1);
});

test("a checksum is compared", async () => {
  const sha256 = createHash("sha256").update("king\n").digest("hex");
  const url = `${origin}/words.txt`;
  await expect(download({ url, cacheDir: join(dir(), "right"), sha256 })).resolves.toMatch(/words/);
  const wrong = download({ url, cacheDir: join(dir(), "wrong"), sha256: "00" });
  await expect(wrong).rejects.toThrow(`${url}: expected sha256 00, got ${sha256}`);
});

test("what cannot be had is said in one line without query or password, and leaves nothing behind", async () => {
  const cacheDir = join(dir(), "failed");
  await expect(download({ url: `${origin}/gone?token=secret`, cacheDir })).rejects.toThrow(
    new Error(`${origin}/gone: expected status 200, got 404 Not Found`),
  );
  await expect(download({ url: `${origin}/short`, cacheDir })).rejects.toThrow(
    /\/short: expected 100 bytes, got \d+ \(.+\)$/,
  );
  await expect(download({ url: "http://user:secret@127.0.0.1:1/words.txt", cacheDir })).rejects.toThrow(
    /^http:\/\/127\.0\.0\.1:1\/words\.txt: expected a URL without user and password, got one with them$/,
  );
  expect(readdirSync(join(cacheDir, "downloads"))).toEqual([]);
});

test("a server that ends too early without an error is noticed by the announced length", async () => {
  const fetch = async () => new Response("half", { headers: { "content-length": "100" } });
  const url = "http://example.test/file";
  await expect(download({ url, cacheDir: dir(), fetch })).rejects.toThrow(`${url}: expected 100 bytes, got 4`);
});
