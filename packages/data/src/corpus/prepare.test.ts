import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { wordPieceJson } from "../tokenizer/word-piece.ts";
import { prepareCorpus, type PrepareOptions } from "./prepare.ts";
import type { Sentences } from "./sentences.ts";

const dir = temporaryDir();
const vocabulary = "[PAD] [UNK] [CLS] [SEP] [MASK] he she king nurse ##s the a sang . '".split(" ");
let tokenizer: Tokenizer;
let words: PrepareOptions["words"];

beforeAll(async () => {
  words = {
    male: write("male.txt", "he\nking\nkings\n"),
    female: write("female.txt", "she\nqueen\n"),
    stereotype: write("stereotype.txt", "nurse\n"),
  };
  write("tokenizer.json", JSON.stringify(wordPieceJson(vocabulary)));
  tokenizer = await loadTokenizer(dir(), { maxLength: 6 });
});

const text = [
  "He sang.", // male
  "She sang, he sang.", // both
  "The kings sang a king.", // male: `king` twice and `##s`
  "The a the a king", // male, the keyword is cut off
  "She sang.", // female
  "'the king", // male by `he`, too
  "A nurse sang.", // stereotype
  "Nobody.", // none
].join("\n");

test("a corpus becomes sentences with ids and masks", async () => {
  const data = await prepare(text);
  expect(decoded(data.male)).toEqual([
    [0, "[CLS] he sang . [SEP]", "0 1 0 0 0"],
    [2, "[CLS] the king ##s sang [SEP]", "0 0 2 1 0 0"],
    [5, "[CLS] ' the king [SEP]", "0 0 0 1 0"],
  ]);
  expect(decoded(data.female)).toEqual([[4, "[CLS] she sang . [SEP]", "0 1 0 0 0"]]);
  expect(decoded(data.stereotype)).toEqual([[6, "[CLS] a nurse sang . [SEP]", "0 0 1 0 0 0"]]);
  expect(data.counts).toEqual({
    lines: 8,
    classLines: { male: 4, female: 1, stereotype: 1, none: 2 },
    classes: {
      male: { kept: 3, tokens: 16, cut: 1, maskSum: 5, maskPositions: 4 },
      female: { kept: 1, tokens: 5, cut: 0, maskSum: 1, maskPositions: 1 },
      stereotype: { kept: 1, tokens: 6, cut: 1, maskSum: 1, maskPositions: 1 },
    },
    droppedLines: [3],
    keywordLines: { he: 2, king: 3, kings: 1, nurse: 1, she: 1 },
  });
});

test("a second run reads the cache, and gives the same data", async () => {
  const first = await prepare(text, { cacheDir: join(dir(), "twice") });
  const file = join(first.dir, "male.arrow");
  utimesSync(file, 1, 1);
  const second = await prepare(gzipSync("other"), { cacheDir: join(dir(), "twice"), corpus: first.corpus });
  expect(second).toEqual(first);
  expect(statSync(file).mtimeMs).toBe(1000);
  expect(readdirSync(join(dir(), "twice"))).toEqual([basename(first.dir)]);
});

test("an incomplete cache is made again", async () => {
  const cacheDir = join(dir(), "broken");
  const first = await prepare(text, { cacheDir });
  truncateSync(join(first.dir, "male.arrow"), 100);
  expect(await prepare(text, { cacheDir })).toEqual(first);
  rmSync(join(first.dir, "manifest.json"));
  expect(await prepare(text, { cacheDir })).toEqual(first);
});

test("two runs at once do not disturb each other", async () => {
  const cacheDir = join(dir(), "together");
  const [a, b] = await Promise.all([prepare(text, { cacheDir }), prepare(text, { cacheDir })]);
  expect(a).toEqual(b);
  expect(readdirSync(cacheDir)).toHaveLength(1);
});

test("the cache knows corpus, words and tokenizer by their content, and the split by its seed", async () => {
  const base = await prepare(text);
  const copy = await prepare(text, { name: "copy.txt" });
  expect([copy.dir, copy.fingerprint]).toEqual([base.dir, base.fingerprint]);
  const female = write("more.txt", "she\nqueen\nlady\n");
  const others = [
    await prepare(`${text}\n`),
    await prepare(text, { words: { ...words, female } }),
    await prepare(text, { tokenizer: await loadTokenizer(dir(), { maxLength: 7 }) }),
  ];
  for (const other of others) expect(other.dir).not.toBe(base.dir);
  const seed = await prepare(text, { seed: 1 });
  expect(seed.dir).toBe(base.dir);
  expect(seed.fingerprint).not.toBe(base.fingerprint);
});

test("word lists and corpora come from URLs as well, once", async () => {
  const asked: string[] = [];
  const fetch = async (url: string | URL | Request) => {
    asked.push(String(url));
    return new Response(String(url).endsWith("female.txt") ? "she\n" : gzipSync(text));
  };
  const cacheDir = join(dir(), "urls");
  const corpus = "http://example.test/corpus.gz";
  const options = { corpus, words: { ...words, female: "http://example.test/female.txt" }, cacheDir, fetch };
  const data = await prepare("", options);
  expect(data.counts.lines).toBe(8);
  await prepare("", options);
  expect(asked).toEqual([corpus, "http://example.test/female.txt"]);
});

test("reading is reported in bytes of the file", async () => {
  const seen: number[] = [];
  const bytes = gzipSync(text);
  await prepare(bytes, {
    cacheDir: join(dir(), "progress"),
    onProgress: ({ bytes, totalBytes }) => seen.push(bytes, totalBytes),
  });
  expect(seen).toEqual([bytes.length, bytes.length]);
});

test("a corpus without female sentences says what there is instead, and caches nothing", async () => {
  const cacheDir = join(dir(), "no-female");
  await expect(prepare("He sang.\nA nurse sang.\nHe.", { cacheDir })).rejects.toThrow(
    /^\S+corpus\.txt: expected sentences with words of female\.txt, found none \(male 2, stereotype 1\)$/,
  );
  expect(() => readdirSync(cacheDir)).toThrow("ENOENT");
});

test("a missing file, a gzip cut short and an unreachable server are named in one line", async () => {
  await expect(prepare("", { corpus: join(dir(), "none.txt") })).rejects.toThrow(
    /none\.txt: expected a corpus, found no such file$/,
  );
  await expect(prepare(gzipSync(text).subarray(0, -9), { name: "cut.gz" })).rejects.toThrow(
    /cut\.gz: expected a whole gzip file, got one cut short \(unexpected end of file\)$/,
  );
  await expect(prepare("", { corpus: "http://127.0.0.1:1/corpus.gz" })).rejects.toThrow(
    /^http:\/\/127\.0\.0\.1:1\/corpus\.gz: expected an answer, got .+$/,
  );
});

function write(name: string, content: string | Uint8Array): string {
  mkdirSync(dir(), { recursive: true });
  writeFileSync(join(dir(), name), content);
  return join(dir(), name);
}

async function prepare(
  content: string | Uint8Array,
  { name = "corpus.txt", ...options }: Partial<PrepareOptions> & { readonly name?: string } = {},
) {
  const corpus = options.corpus ?? write(name, content);
  const data = await prepareCorpus({ words, tokenizer, seed: 0, cacheDir: join(dir(), "cache"), ...options, corpus });
  return { ...data, corpus };
}

/** Both parts of a split as line, tokens and mask, in the order of lines. */
function decoded({ train, validation }: { train: Sentences; validation: Sentences }) {
  return [train, validation]
    .flatMap(({ length, offsets, inputIds, keywordMask, lines }) =>
      Array.from({ length }, (_, i) => {
        const [start, end] = [offsets[i]!, offsets[i + 1]!];
        const tokens = [...inputIds.subarray(start, end)].map((id) => vocabulary[id]);
        return [lines[i]!, tokens.join(" "), keywordMask.subarray(start, end).join(" ")] as const;
      }),
    )
    .sort(([a], [b]) => a - b);
}
