import { readFile } from "node:fs/promises";
import { reason } from "@pruning-bias/files";
import { strip } from "../text/python.ts";

/** A male word and its female counterpart, lower case. */
export type WordPair = readonly [male: string, female: string];

/**
 * Reads two word lists that are paired line by line; `_` stands for a blank.
 *
 * @throws Error in one line where the lists differ in length, or a line has a word in one of them alone
 */
export async function readWordPairs(male: string, female: string): Promise<WordPair[]> {
  const [men, women] = await Promise.all([male, female].map(wordLines));
  if (men!.length !== women!.length) {
    throw new Error(
      `${female}: expected ${men!.length} lines, the counterparts of those of ${male}, got ${women!.length}; words are swapped by line`,
    );
  }
  return men!.flatMap((man, line): WordPair[] => {
    const woman = women![line]!;
    if (man === "" && woman === "") return [];
    if (man !== "" && woman !== "") return [[man, woman]];
    const [alone, other, word] = man === "" ? [female, male, woman] : [male, female, man];
    throw new Error(`${other}: line ${line + 1}: expected the counterpart of ${word} of ${alone}, got none`);
  });
}

async function wordLines(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new Error(`${path}: expected a word list, ${reason(error)}`, { cause: error });
  });
  const lines = text.split(/\r\n|\r|\n/).map((line) => strip(line).toLowerCase().replaceAll("_", " "));
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

/** A sentence with every gender word replaced by its counterpart; `undefined` where it has none. */
export interface Swap {
  (sentence: string): string | undefined;
}

/**
 * Swaps gender words both ways, whole words, their case kept: *He* → *She*, *HE* → *SHE*. A word of several pairs goes to the
 * counterpart of the first; so *her* becomes *his* or *him*, whichever is listed before the other.
 */
export function genderSwap(pairs: readonly WordPair[]): Swap {
  const counterparts = new Map<string, string>();
  for (const [male, female] of pairs) {
    if (!counterparts.has(male)) counterparts.set(male, female);
    if (!counterparts.has(female)) counterparts.set(female, male);
  }
  // Longer words first, since the first that fits is taken.
  const words = [...counterparts.keys()].toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
  if (words.length === 0) return () => undefined;
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.map(literal).join("|")})(?![\\p{L}\\p{N}])`, "giu");
  return (sentence) => {
    let found = false;
    const swapped = sentence.replaceAll(pattern, (word) => {
      found = true;
      return inCaseOf(word, counterparts.get(word.toLowerCase()) ?? word);
    });
    return found ? swapped : undefined;
  };
}

const literal = (word: string): string => word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);

/** A word as another one is written: capitals, a capital first, or as it is. */
function inCaseOf(model: string, word: string): string {
  const letters = model.replaceAll(/[^\p{L}]/gu, "");
  if (letters.length > 1 && letters === letters.toUpperCase()) return word.toUpperCase();
  const [first = ""] = model;
  return first === first.toLowerCase() ? word : word.charAt(0).toUpperCase() + word.slice(1);
}
