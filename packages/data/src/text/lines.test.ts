import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { readLines } from "./lines.ts";

const dir = temporaryDir();

async function linesOf(bytes: string | Uint8Array, name = "corpus.txt"): Promise<string[]> {
  const path = join(dir(), name);
  writeFileSync(path, bytes);
  const chunks = await Array.fromAsync(readLines(path));
  return chunks.flat();
}

test("lines end as in Python's text mode, and the last needs no end", async () => {
  expect(await linesOf("a\nb\r\nc\rd\n\ne")).toEqual(["a", "b", "c", "d", "", "e"]);
  expect(await linesOf("a\n")).toEqual(["a"]);
  expect(await linesOf("a\r")).toEqual(["a"]);
  expect(await linesOf("")).toEqual([]);
});

test("other separators of Unicode and a byte order mark stay in their line", async () => {
  expect(await linesOf("\ufeffa\u2028b\u0085c\n")).toEqual(["\ufeffa\u2028b\u0085c"]);
});

test("a text longer than a chunk reads as from one piece, also where \\r and \\n are parted", async () => {
  const lines = Array.from({ length: 60_000 }, (_, i) => `zeile ${i} über alles`);
  expect(await linesOf(lines.join("\r\n"))).toEqual(lines);
  expect(await linesOf(lines.join("\n"))).toEqual(lines);
});

test("a gzip is known by its first bytes, in one member or in several", async () => {
  const bytes = Buffer.concat([gzipSync("a\nb\n"), gzipSync("c\n")]);
  expect(await linesOf(bytes, "no-ending")).toEqual(["a", "b", "c"]);
});

test("a gzip cut short says so in one line", async () => {
  const text = Array.from({ length: 50_000 }, (_, i) => `sentence ${(i * 7919) % 50_000}`).join("\n");
  const bytes = gzipSync(text);
  for (const length of [0, 1, 2, 9, 11, bytes.length >> 1, bytes.length - 1]) {
    await expect(linesOf(bytes.subarray(0, length), "cut.gz"), `${length} bytes`).rejects.toThrow(
      /^\S+cut\.gz: expected a whole gzip file, got one cut short \(unexpected end of file\)$/,
    );
  }
});

test("a damaged gzip, a missing file, a folder and other encodings are named in one line", async () => {
  const bytes = gzipSync("some text that is long enough to be damaged");
  bytes.set([0xff, 0xff, 0xff, 0xff], 14);
  await expect(linesOf(bytes, "bad.gz")).rejects.toThrow(/bad\.gz: expected a gzip file, got a damaged one \(.+\)$/);
  await expect(Array.fromAsync(readLines(join(dir(), "none.txt")))).rejects.toThrow(
    /none\.txt: expected a text or gzip file, found no such file$/,
  );
  await expect(Array.fromAsync(readLines(dir()))).rejects.toThrow(/: expected a text or gzip file, found a folder$/);
  await expect(linesOf(Uint8Array.of(0x61, 0xe9, 0x0a))).rejects.toThrow(
    /corpus\.txt: expected UTF-8 text, got other bytes$/,
  );
});
