import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeData, describeGolden } from "@pruning-bias/oracle";
import { expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { draws } from "../random/draws.ts";
import { bertNormalizer } from "./bert-normalizer.ts";
import { loadTokenizer } from "./tokenizer.ts";
import { longestFirst } from "./truncate.ts";
import { wordPieceJson } from "./word-piece.ts";

const dir = temporaryDir();
const vocabulary = "[PAD] [UNK] [CLS] [SEP] [MASK] a b ##c ,".split(" ");

function folder(name: string, files: Record<string, string>): string {
  mkdirSync(join(dir(), name), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir(), name, file), text);
  return join(dir(), name);
}

test("one text and two, cut at the longest length", async () => {
  const files = { "tokenizer.json": JSON.stringify(wordPieceJson(vocabulary)) };
  const tokenizer = await loadTokenizer(folder("small", files), { maxLength: 6 });
  expect(tokenizer.encode("A, bc")).toEqual({ inputIds: [2, 5, 8, 6, 7, 3], tokenTypeIds: [0, 0, 0, 0, 0, 0] });
  expect(tokenizer.encode("a b a b a").inputIds).toEqual([2, 5, 6, 5, 6, 3]);
  expect(tokenizer.encode("a a a", "b b")).toEqual({ inputIds: [2, 5, 5, 3, 6, 3], tokenTypeIds: [0, 0, 0, 0, 1, 1] });
  expect(tokenizer.encode("a", "")).toEqual({ inputIds: [2, 5, 3, 3], tokenTypeIds: [0, 0, 0, 1] });
  expect(tokenizer.encode("a[MASK] x").inputIds).toEqual([2, 5, 4, 1, 3]);
  expect(tokenizer.pieces("a a a a a a bc")).toHaveLength(8);
  const { pad, cls, sep, mask, unknown, vocabularySize } = tokenizer;
  expect({ pad, cls, sep, mask, unknown, vocabularySize }).toEqual({
    ...{ pad: 0, cls: 2, sep: 3, mask: 4, unknown: 1 },
    vocabularySize: vocabulary.length,
  });
});

test("words that are remembered have the ids that whole texts get", async () => {
  const pieces = [...vocabulary, ..."cd.-'[]<=", "##a", "##b", "e"].filter((piece, i, all) => all.indexOf(piece) === i);
  const json = wordPieceJson(pieces);
  const [added] = json.added_tokens;
  // A token that takes the blanks before it keeps texts whole.
  const taking = { ...added!, id: pieces.length, content: "zz", lstrip: true };
  const whole = { ...json, added_tokens: [...json.added_tokens, taking] };
  const [words, texts] = await Promise.all(
    [json, whole].map((json, i) => loadTokenizer(folder(`words-${i}`, { "tokenizer.json": JSON.stringify(json) }))),
  );
  const letters = [..."aAbce.,-'[]<= \t\u00e9\u0301\u0338\u00ad\u5317\u2019\u00a0", "[MASK]", "[mask]"];
  const random = draws("words");
  for (let n = 0; n < 2000; n++) {
    const text = Array.from({ length: 12 }, () => random.pick(letters)).join("");
    expect([text, ...words!.pieces(text)]).toEqual([text, ...texts!.pieces(text)]);
  }
});

test("an older folder with vocab.txt alone gives the same ids", async () => {
  const cased = JSON.stringify({ do_lower_case: false, pad_token: { content: "[PAD]" } });
  const lower = await loadTokenizer(folder("vocab", { "vocab.txt": `${vocabulary.join("\n")}\n` }));
  expect(lower.encode("A bc").inputIds).toEqual([2, 5, 6, 7, 3]);
  const files = { "vocab.txt": vocabulary.join("\n"), "tokenizer_config.json": cased };
  expect((await loadTokenizer(folder("cased", files))).encode("A bc").inputIds).toEqual([2, 1, 6, 7, 3]);
});

test("the fingerprint follows content and length", async () => {
  const json = (pieces: string[]) => ({ "tokenizer.json": JSON.stringify(wordPieceJson(pieces)) });
  const [a, b] = [folder("a", json(vocabulary)), folder("b", json(vocabulary))];
  const other = folder("c", json([...vocabulary, "d"]));
  const print = async (dir: string, maxLength: number) => (await loadTokenizer(dir, { maxLength })).fingerprint;
  expect(await print(a, 128)).toBe(await print(b, 128));
  expect(await print(a, 64)).not.toBe(await print(a, 128));
  expect(await print(other, 128)).not.toBe(await print(a, 128));
});

test.each([
  ["empty", {}, /empty: expected tokenizer\.json or vocab\.txt, found neither$/],
  ["cut", { "tokenizer.json": '{"model": {' }, /tokenizer\.json: expected JSON, found something else$/],
  ["other", { "tokenizer.json": "{}" }, /tokenizer\.json: expected a tokenizer, at model: .+$/],
  ["bare", { "vocab.txt": "a\nb\n" }, /WordPiece vocabulary: expected \[PAD\] among its pieces, found it nowhere$/],
])("a folder with %s files is refused in one line", async (name, files, message) => {
  await expect(loadTokenizer(folder(`bad/${name}`, files as Record<string, string>))).rejects.toThrow(message);
});

const small = wordPieceJson(vocabulary);
const { model, post_processor: template } = small;
const twice = [...template.pair, { Sequence: { id: "A", type_id: 0 } }];
test.each([
  ["word", { model: { ...model, max_input_chars_per_word: 2 ** 53 } }, /at model\.max_input_chars_per_word: .+$/],
  ["length", { model: { ...model, max_input_chars_per_word: { length: 1 } } }, /max_input_chars_per_word: .+$/],
  ["twice", { post_processor: { ...template, pair: twice } }, /got one that takes a text 2 times into a sequence$/],
  ["never", { post_processor: { ...template, single: [template.single[0]] } }, /takes a text 0 times into a sequence$/],
])("a tokenizer of %s without bounds is refused in one line", async (name, parts, message) => {
  const files = { "tokenizer.json": JSON.stringify({ ...small, ...parts }) };
  await expect(loadTokenizer(folder(`unbounded/${name}`, files))).rejects.toThrow(message);
});

test("a length without room for the special tokens is refused", async () => {
  const dir = folder("narrow", { "tokenizer.json": JSON.stringify(small) });
  expect((await loadTokenizer(dir, { maxLength: 3 })).encode("a", "b").inputIds).toEqual([2, 3, 3]);
  await expect(loadTokenizer(dir, { maxLength: 2 })).rejects.toThrow(
    /got one with 3 special tokens in a sequence of 2$/,
  );
});

test("the longest word that a tokenizer may be asked to look at takes a moment", async () => {
  const json = { ...small, model: { ...model, max_input_chars_per_word: 512 } };
  const tokenizer = await loadTokenizer(folder("long", { "tokenizer.json": JSON.stringify(json) }));
  expect(tokenizer.pieces("b".repeat(513))).toEqual([1]);
  expect(tokenizer.pieces(`b${"c".repeat(511)}`)).toHaveLength(512);
});

test("longest_first halves the room between two long texts, the first gets the smaller half", () => {
  expect(longestFirst(3, 4, 8)).toEqual([3, 4]);
  expect(longestFirst(200, 200, 125)).toEqual([62, 63]);
  expect(longestFirst(200, 100, 125)).toEqual([63, 62]);
  expect(longestFirst(10, 200, 125)).toEqual([10, 115]);
  expect(longestFirst(200, 10, 125)).toEqual([115, 10]);
});

test("the normaliser lowers sigma by itself, strips accents and sets all Han characters apart", () => {
  const normalize = bertNormalizer({});
  expect(normalize("ΟΔΟΣ Évita\u0000\u200b\tx")).toBe("οδοσ evita x");
  expect(normalize("a\u{20000}b中")).toBe("a \u{20000} b 中 ");
  expect(bertNormalizer({ lowercase: false })("Évita")).toBe("Évita");
  expect(bertNormalizer({ lowercase: false, strip_accents: true })("Évita")).toBe("Evita");
});

describeGolden("tokenizers of other families", "models", (models) => {
  describeData("on a text", "tokenizer", () => {
    test.each(["bert", "roberta"])("%s loads", async (family) => {
      const tokenizer = await loadTokenizer(join(models, family, "masked-lm"));
      const { inputIds, tokenTypeIds } = tokenizer.encode("The nurse came.", "She sang.");
      expect(inputIds[0]).toBe(tokenizer.cls);
      expect(inputIds.at(-1)).toBe(tokenizer.sep);
      expect(tokenTypeIds).toHaveLength(inputIds.length);
      expect(inputIds).not.toContain(tokenizer.unknown);
    });
  });
});
