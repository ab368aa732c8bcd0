import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { download } from "@pruning-bias/data";
import { resolveModel } from "@pruning-bias/model";
import { mutateBytes } from "../bytes.ts";
import { mutateJson } from "../json.ts";
import { mutateLines } from "../lines.ts";
import type { Random } from "../random.ts";
import type { Reader } from "../reader.ts";

const files: Readonly<Record<string, Buffer>> = {
  "config.json": Buffer.from('{"model_type": "bert"}'),
  "tokenizer.json": Buffer.from('{"model": {}}'),
  "model.safetensors": Buffer.alloc(4000, "w"),
  "vocab.txt": Buffer.from("[PAD]\n"),
};
const index = { weight_map: { a: "model-1.safetensors", b: "model-2.safetensors" } };

const locations = [
  "",
  "/",
  "//",
  "http://",
  "http://[",
  "file:///etc/hostname",
  "javascript:1",
  "\u00e9",
  "/a b",
  "../../..",
  "?",
];
const etags = ['"x"', "../../outside", "W/", '"0123"', "a".repeat(64), "0".repeat(40), "/etc/hostname", ""];
const sizes = ["-1", "0", "1e9", "99999999999999999999", "3", "NaN", "", "+4", "0x10"];
const headers: Readonly<Record<string, readonly string[]>> = {
  location: locations,
  etag: etags,
  "x-linked-etag": etags,
  "x-linked-size": sizes,
  "x-repo-commit": ["../../outside", "g".repeat(40), "0".repeat(40), "", "main"],
  "content-range": ["bytes 0-1/2", "bytes */0", "bytes 5-2/1", "x"],
  "retry-after": ["-1", "1e9", "yesterday", "0"],
  "content-encoding": ["gzip", "br", "identity", "x"],
  "content-type": ["", "application/json; charset=ebcdic"],
};

/** Answers as a hub would, with something wrong in one of them. */
function answer(path: string, wrong: string, random: Random, response: ServerResponse): void {
  const file = path.split("/").at(-1) ?? "";
  const whole = file === "model.safetensors.index.json" ? Buffer.from(JSON.stringify(index)) : files[file];
  if (file !== wrong) {
    if (whole === undefined) response.writeHead(404).end();
    else response.end(whole);
    return;
  }
  const name = random.pick(Object.keys(headers));
  const value = random.pick(headers[name]!);
  const status = random.pick([200, 200, 200, 206, 204, 301, 302, 307, 304, 400, 401, 403, 404, 416, 429, 500, 503]);
  const body = file.endsWith("index.json") ? mutateJson(index, random) : mutateBytes(whole ?? Buffer.alloc(9), random);
  try {
    response.writeHead(status, random.chance(0.7) ? { [name]: value } : {});
  } catch {
    response.writeHead(status); // a header that Node itself refuses to send
  }
  if (random.chance(0.1)) response.write(body, () => response.destroy());
  else response.end(body);
}

export const hub: readonly Reader[] = [
  {
    name: "answers of a hub",
    async prepare(folder) {
      let reply: (path: string, response: ServerResponse) => void = () => {};
      const endpoint = await serve((path, response) => reply(path, response));
      return async (random) => {
        const cacheDir = join(folder, "hub");
        await rm(cacheDir, { recursive: true, force: true });
        const wrong = random.pick([...Object.keys(files), "model.safetensors.index.json"]);
        const sharded = wrong.endsWith("index.json");
        reply = (path, response) => {
          if (sharded && path.endsWith("/model.safetensors")) response.writeHead(404).end();
          else answer(path, wrong, random, response);
        };
        return {
          places: ["org/name", endpoint, cacheDir],
          async read() {
            const options = { endpoint, cacheDir, retries: 1, retryDelay: 1, idleTimeout: 500 };
            await inFolder(folder, "hub", () => resolveModel("org/name", options));
          },
        };
      };
    },
  },
  {
    name: "answers to a download",
    async prepare(folder) {
      let reply: (path: string, response: ServerResponse) => void = () => {};
      const origin = await serve((path, response) => reply(path, response));
      return async (random) => {
        const cacheDir = join(folder, "cache");
        await rm(cacheDir, { recursive: true, force: true });
        const name = random.pick([
          "words.txt",
          "..%2f..%2fx",
          "a%00b",
          "x".repeat(400),
          "",
          ".",
          "%zz",
          "\u202e",
          "a\\b",
        ]);
        reply = (path, response) => answer("words.txt", random.chance(0.8) ? "words.txt" : path, random, response);
        return {
          places: [origin],
          async read() {
            await inFolder(folder, "cache", () => download({ url: `${origin}/${name}`, cacheDir }));
          },
        };
      };
    },
  },
  {
    name: "digest beside a download (sha256)",
    async prepare(folder) {
      const origin = await serve((_, response) => response.end("words\n"));
      const [url, cacheDir] = [`${origin}/words.txt`, join(folder, "cache")];
      const path = await download({ url, cacheDir });
      const text = await readFile(`${path}.sha256`, "utf8");
      return async (random) => {
        await writeFile(path, random.chance(0.5) ? "words\n" : mutateLines("words\n", random));
        await writeFile(`${path}.sha256`, mutateLines(text, random));
        return { places: [origin, path], read: () => inFolder(folder, "cache", () => download({ url, cacheDir })) };
      };
    },
  },
  {
    name: "names of models and revisions",
    async prepare(folder) {
      const endpoint = await serve((path, response) => {
        const whole = files[path.split("/").at(-1) ?? ""];
        if (whole === undefined) response.writeHead(404).end();
        else response.end(whole);
      });
      return async (random) => {
        const part = () =>
          random.pick([
            "org",
            "name",
            "..",
            ".",
            "",
            "a--b",
            "a..b",
            "-x",
            "x.",
            "con",
            "a b",
            "~",
            "%2e%2e",
            "x\u0000",
            "é",
            "x.bin",
          ]);
        const model = Array.from({ length: 1 + random.below(3) }, part).join(random.pick(["/", "/", "\\", "//"]));
        const revision = random.pick([
          "main",
          "main",
          "refs/pr/1",
          "../../x",
          "",
          "..",
          "a/../b",
          "/x",
          "v1\n",
          "\u0000",
          ".hidden",
        ]);
        const cacheDir = join(folder, "hub");
        return {
          places: [model === "" ? "model" : model.split("\u0000")[0]!],
          async read() {
            const before = process.cwd();
            process.chdir(folder);
            const options = { endpoint, cacheDir, revision, retries: 0 };
            try {
              await inFolder(folder, "hub", () => resolveModel(model, options));
            } finally {
              process.chdir(before);
            }
          },
        };
      };
    },
  },
];

function serve(reply: (path: string, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => reply(request.url ?? "", response));
  server.unref();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

/** Runs what may write to one entry of a folder alone, however it ends. */
async function inFolder(folder: string, own: string, run: () => Promise<unknown>): Promise<void> {
  const ended = await run().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const outside = (await readdir(folder)).filter((name) => name !== own);
  if (outside.length > 0) throw new TypeError(`written outside: ${outside.join(" ")}`);
  if (ended !== undefined) throw ended.error;
}
