import { mkdirSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { wordPieceJson } from "../tokenizer/word-piece.ts";
import { readGlueTokens, writeGlueTokens } from "./arrow.ts";
import { prepareGlue } from "./prepare.ts";
import { firstExamples, tokenizeGlue } from "./tokens.ts";

const dir = temporaryDir();
let tokenizer: Tokenizer;

beforeAll(async () => {
  const json = wordPieceJson("[PAD] [UNK] [CLS] [SEP] [MASK] a b c d e".split(" "));
  write("tokenizer.json", JSON.stringify(json));
  tokenizer = await loadTokenizer(dir(), { maxLength: 7 });
});

const pairs = () => ({
  first: ["a b", "a a a a a a"],
  second: ["c", "b"],
  labels: Float64Array.of(3.25, 0),
  idx: Int32Array.of(7, 9),
});

test("texts become ids one after the other, pairs cut longest first", () => {
  expect(tokenizeGlue("stsb", "train", pairs(), tokenizer)).toEqual({
    task: "stsb",
    split: "train",
    length: 2,
    offsets: Int32Array.of(0, 6, 13),
    inputIds: Uint16Array.of(2, 5, 6, 3, 7, 3, 2, 5, 5, 5, 3, 6, 3),
    tokenTypeIds: Uint8Array.of(0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1),
    labels: Float64Array.of(3.25, 0),
    idx: Int32Array.of(7, 9),
  });
});

test("the first examples are the whole with less", () => {
  const tokens = tokenizeGlue("stsb", "train", pairs(), tokenizer);
  const first = firstExamples(tokens, 1);
  expect([first.length, first.offsets.at(-1), first.inputIds.length, first.idx.length]).toEqual([1, 6, 6, 1]);
  expect(firstExamples(tokens, Infinity)).toEqual(tokens);
});

test("labels of another task are refused, but for a test split's", () => {
  const labelled = (label: number) => ({ first: ["a"], labels: Int32Array.of(label), idx: Int32Array.of(0) });
  expect(() => tokenizeGlue("sst2", "train", labelled(2), tokenizer)).toThrow(
    "sst2: train: expected labels from 0 to 1, got 2 in example 0",
  );
  expect(() => tokenizeGlue("sst2", "validation", labelled(-1), tokenizer)).toThrow("got -1 in example 0");
  expect(tokenizeGlue("sst2", "test", labelled(-1), tokenizer).labels).toEqual(Int32Array.of(-1));
  expect(() => tokenizeGlue("stsb", "train", { ...pairs(), labels: Float64Array.of(1, 5.5) }, tokenizer)).toThrow(
    "stsb: train: expected labels from 0 to 5, got 5.5 in example 1",
  );
  expect(() =>
    tokenizeGlue("sst2", "train", { first: [], labels: new Int32Array(), idx: new Int32Array() }, tokenizer),
  ).toThrow("sst2: train: expected examples, got none");
});

test("an Arrow file gives back what was written", async () => {
  const path = join(dir(), "one.arrow");
  const tokens = tokenizeGlue("stsb", "train", pairs(), tokenizer);
  await writeGlueTokens(path, tokens);
  expect(await readGlueTokens(path, "stsb", "train")).toEqual(tokens);
  await expect(readGlueTokens(path, "cola", "train")).rejects.toThrow(
    /one\.arrow: expected an Arrow file of tokenised examples, .*other columns/,
  );
});

test("a split is kept by the content of its file and the tokenizer; a damaged file is made again", async () => {
  write("glue/cola/train.tsv", "sentence\tlabel\na b\t1\n");
  const cacheDir = join(dir(), "cache");
  const options = { dir: join(dir(), "glue"), task: "cola", split: "train", tokenizer, cacheDir } as const;
  const files = () => readdirSync(join(cacheDir, "glue-tokens")).map((name) => join(cacheDir, "glue-tokens", name));
  const first = await prepareGlue(options);
  const [file] = files();
  utimesSync(file!, 1, 1);
  expect(await prepareGlue(options)).toEqual(first);
  expect(statSync(file!).mtimeMs).toBe(1000);
  truncateSync(file!, 100);
  expect(await prepareGlue(options)).toEqual(first);
  await prepareGlue({ ...options, tokenizer: await loadTokenizer(dir(), { maxLength: 5 }) });
  write("glue/cola/train.tsv", "sentence\tlabel\na c\t1\n");
  expect((await prepareGlue(options)).inputIds).toEqual(Uint16Array.of(2, 5, 7, 3));
  expect(files()).toHaveLength(3);
});

function write(path: string, content: string): void {
  mkdirSync(join(dir(), path, ".."), { recursive: true });
  writeFileSync(join(dir(), path), content);
}
