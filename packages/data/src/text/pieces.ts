import { pythonSpace, strip } from "./python.ts";

/**
 * Splits a sentence into the pieces of GPT-2's pattern, as Python's `regex` reads it.
 *
 * `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` (Radford et al. 2019, `encoder.py`).
 */
export function pieces(sentence: string): string[] {
  return strip(sentence).match(pattern) ?? [];
}

/** The form in which a piece is looked up in a word list. */
export const lowered = (piece: string): string => strip(piece).toLowerCase();

const pattern = new RegExp(
  [
    "'s|'t|'re|'ve|'m|'ll|'d",
    String.raw` ?\p{L}+`,
    String.raw` ?\p{N}+`,
    String.raw` ?[^${pythonSpace}\p{L}\p{N}]+`,
    `[${pythonSpace}]+(?![^${pythonSpace}])`,
    `[${pythonSpace}]+`,
  ].join("|"),
  "gu",
);
