import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dataDir, describeData, describeGolden } from "@pruning-bias/oracle";
import { beforeAll, expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { lowered, pieces } from "../text/pieces.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { readSentences } from "./arrow.ts";
import { type Classified, classifier, type ClassName, classNames } from "./classify.ts";
import { keywordMask, keywordTokens } from "./keyword-mask.ts";
import { type DebiasData, prepareCorpus } from "./prepare.ts";
import { readWordList, type WordList } from "./words.ts";

interface Row {
  text: string;
  class: ClassName | "none";
  keywords: string[];
  pieces?: string[];
  lowered?: string[];
  input_ids?: number[];
  keyword_mask?: number[];
  kept?: boolean;
}

describeGolden("sentences of the original", "keywords.jsonl", (path) => {
  describeData("with its word lists and tokenizer", "words", () => {
    const rows = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Row);
    let classify: (sentence: string) => Classified;
    let tokenizer: Tokenizer;
    beforeAll(async () => {
      tokenizer = await bertTokenizer();
      const { male, female, stereotype } = await wordLists();
      classify = classifier({ male: male.words, female: female.words, stereotype: stereotype.words });
    });

    test("fall into the same pieces", () => {
      const hard = rows.filter((row) => row.pieces !== undefined);
      const got = hard.map(({ text }) => ({ text, pieces: pieces(text) }));
      expect(got).toEqual(hard.map(({ text, pieces }) => ({ text, pieces })));
      expect(got.map(({ pieces }) => [...new Set(pieces.map(lowered))].sort(byCodePoint))).toEqual(
        hard.map((row) => row.lowered),
      );
    });

    test("have the same class and keywords", () => {
      const expected = rows.map((row) => ({ text: row.text, class: row.class, keywords: row.keywords }));
      expect(rows.map(({ text }) => ({ text, ...classify(text) }))).toEqual(expected);
    });

    test("have the same token ids", () => {
      const tokenised = rows.filter((row) => row.input_ids !== undefined);
      expect(tokenised.map(({ text }) => ({ text, input_ids: tokenizer.encode(text).inputIds }))).toEqual(
        tokenised.map(({ text, input_ids }) => ({ text, input_ids })),
      );
    });

    test("have the same keyword masks, and are dropped where these are all zero", () => {
      const tokensOf = keywordTokens(tokenizer);
      const masked = rows.filter((row) => row.keyword_mask !== undefined);
      const got = masked.map(({ text, input_ids, keywords }) => {
        const mask = keywordMask(input_ids!, tokensOf(keywords));
        return { text, keyword_mask: mask, kept: mask.some((count) => count > 0) };
      });
      expect(got).toEqual(masked.map(({ text, keyword_mask, kept }) => ({ text, keyword_mask, kept })));
    });
  });
});

interface Counts {
  lines: number;
  class_lines: Record<ClassName | "none", number>;
  classes: Record<ClassName, Record<string, number | string>>;
  dropped_lines: number[];
  keyword_lines: Record<string, number>;
  words: Record<ClassName, { lines: number; unique: number; never_matched: string[] }> & {
    in_male_and_stereotype: string[];
  };
}

describeGolden("the whole corpus", "corpus_counts.json", (path) => {
  describeData("prepared", "corpus/corpus-en.txt.gz", (corpus) => {
    const expected = JSON.parse(readFileSync(path, "utf8")) as Counts;
    const cacheDir = temporaryDir();
    let data: DebiasData;
    beforeAll(async () => {
      const words = { male: wordFile("male"), female: wordFile("female"), stereotype: wordFile("stereotype") };
      data = await prepareCorpus({ corpus, words, tokenizer: await bertTokenizer(), seed: 0, cacheDir: cacheDir() });
    });

    test("has as many lines of each class, and of each keyword", () => {
      expect(data.counts.lines).toBe(expected.lines);
      expect(data.counts.classLines).toEqual(expected.class_lines);
      expect(data.counts.keywordLines).toEqual(expected.keyword_lines);
      expect(data.counts.droppedLines).toEqual(expected.dropped_lines);
    });

    test.each(classNames)("has the same %s sentences, to the last token", async (name) => {
      const { sha256_input_ids, sha256_keyword_mask, sha256_lines, ...counts } = expected.classes[name];
      const { kept, tokens, cut, maskSum, maskPositions } = data.counts.classes[name];
      expect({ kept, tokens, cut, mask_sum: maskSum, mask_positions: maskPositions }).toEqual(counts);
      const file = join(data.dir, `${name}.arrow`);
      const { inputIds, keywordMask, lines } = await readSentences(file);
      expect(sha256(Uint16Array.from(inputIds))).toBe(sha256_input_ids);
      expect(sha256(Uint16Array.from(keywordMask))).toBe(sha256_keyword_mask);
      expect(sha256(lines)).toBe(sha256_lines);
    });

    test("comes with the same word lists", async () => {
      const lists = await wordLists();
      for (const name of classNames) {
        const { lines, words, neverMatched } = lists[name];
        expect({ lines, unique: words.size, never_matched: neverMatched }).toEqual(expected.words[name]);
      }
      const both = [...lists.male.words].filter((word) => lists.stereotype.words.has(word)).sort();
      expect(both).toEqual(expected.words.in_male_and_stereotype);
    });
  });
});

const wordFile = (name: ClassName): string => join(dataDir ?? "", "words", `${name}.txt`);
const bertTokenizer = (): Promise<Tokenizer> => loadTokenizer(join(dataDir ?? "", "tokenizer/bert-base-uncased"));

async function wordLists(): Promise<Record<ClassName, WordList>> {
  const [male, female, stereotype] = await Promise.all(classNames.map((name) => readWordList(wordFile(name))));
  return { male: male!, female: female!, stereotype: stereotype! };
}

const sha256 = (array: Uint16Array | Uint32Array): string =>
  createHash("sha256")
    .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    .digest("hex");

/** Python sorts by code point, JavaScript by UTF-16 unit. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
