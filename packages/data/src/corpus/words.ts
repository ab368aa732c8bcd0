import { readFile } from "node:fs/promises";
import { reason } from "@pruning-bias/files";
import { pieces } from "../text/pieces.ts";
import { strip } from "../text/python.ts";

/** A list of keywords: one a line, blanks at its ends removed, lower case, each once. */
export interface WordList {
  /** Lines of the file. */
  readonly lines: number;
  /** Each once, lower case. */
  readonly words: ReadonlySet<string>;
  /** Entries that no piece of a sentence equals, since they fall into several (those with `_`, `'` or `.`). */
  readonly neverMatched: readonly string[];
}

/** Reads a word list; throws one line that names the file where it is missing or holds no word. */
export async function readWordList(path: string): Promise<WordList> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new Error(`${path}: expected a word list, ${reason(error)}`, { cause: error });
  });
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === "") lines.pop();
  const words = new Set(lines.map((line) => strip(line).toLowerCase()).filter((word) => word !== ""));
  if (words.size === 0) throw new Error(`${path}: expected a word a line, found none`);
  return { lines: lines.length, words, neverMatched: [...words].filter((word) => pieces(word).length > 1).sort() };
}
