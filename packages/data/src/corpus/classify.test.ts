import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { classifier } from "./classify.ts";
import { keywordMask, keywordTokens } from "./keyword-mask.ts";
import { readWordList } from "./words.ts";

const dir = temporaryDir();
const classify = classifier({
  male: new Set(["he", "king", "waiter"]),
  female: new Set(["she", "queen"]),
  stereotype: new Set(["nurse", "waiter"]),
});

test("a class needs words of one gender only", () => {
  expect(classify("He said the KING came; he did.")).toEqual({ class: "male", keywords: ["he", "king"] });
  expect(classify("She is no nurse.")).toEqual({ class: "female", keywords: ["she"] });
  expect(classify("The nurse came.")).toEqual({ class: "stereotype", keywords: ["nurse"] });
  expect(classify("He and she.")).toEqual({ class: "none", keywords: [] });
  expect(classify("Nobody came.")).toEqual({ class: "none", keywords: [] });
});

test("a word of two lists counts as male", () => {
  expect(classify("The waiter and the nurse.")).toEqual({ class: "male", keywords: ["waiter"] });
});

test("what a piece begins and ends with decides nothing by itself", () => {
  const words = [
    "he",
    "'s",
    "7",
    "!?",
    "señora",
    "émigré",
    "i\u0307n",
    "kk",
    `a${"b".repeat(40)}c`,
    `a${"b".repeat(50)}c`,
  ];
  const one = classifier({ male: new Set(words), female: new Set(), stereotype: new Set(["."]) });
  const told = (sentence: string) => one(sentence).keywords;
  expect(told("THE hue, hE")).toEqual(["he"]);
  expect(told("It's 7")).toEqual(["'s", "7"]);
  expect(told("'she !?")).toEqual(["!?", "'s", "he"]);
  expect(told("Seora SEÑORA Émigré")).toEqual(["señora", "émigré"]);
  expect(told("\u0130n in")).toEqual(["i\u0307n"]);
  expect(told("K\u212a")).toEqual(["kk"]);
  expect(told("a.\x1c b")).toEqual(["."]);
  expect(told(`A${"B".repeat(40)}C a${"b".repeat(41)}c`)).toEqual([words[8]]);
});

test("a word list is stripped, lowered, each word once, and knows what it can never match", async () => {
  const path = join(dir(), "words.txt");
  writeFileSync(path, "King \nking\n\n mr.\nhair_salon\r\nma'am\n");
  expect(await readWordList(path)).toEqual({
    lines: 6,
    words: new Set(["king", "mr.", "hair_salon", "ma'am"]),
    neverMatched: ["hair_salon", "ma'am", "mr."],
  });
});

test("a word list that is missing or empty is named in one line", async () => {
  await expect(readWordList(join(dir(), "none.txt"))).rejects.toThrow(
    /^\S+none\.txt: expected a word list, found no such file$/,
  );
  writeFileSync(join(dir(), "empty.txt"), " \n");
  await expect(readWordList(join(dir(), "empty.txt"))).rejects.toThrow(
    /empty\.txt: expected a word a line, found none$/,
  );
});

test("the mask counts the sub-tokens that equal a token, so it can be 2", () => {
  expect(keywordMask([101, 5, 6, 5, 102], [5, 6, 6])).toEqual([0, 1, 2, 1, 0]);
});

test("where a space changes a word's tokens both forms count, shared sub-tokens once", () => {
  const byteLevel = { pieces: (text: string) => (text.startsWith(" ") ? [7, 9] : [8, 9]) };
  const wordPiece = { pieces: () => [5, 6, 6] };
  expect(keywordTokens(byteLevel)(["king"])).toEqual([8, 9, 7]);
  expect(keywordTokens(wordPiece)(["king", "queen"])).toEqual([5, 6, 6, 5, 6, 6]);
});
