import { vocabulary } from "./grammar.ts";

/**
 * The demo's WordPiece vocabulary: special tokens, its words, and all printable ASCII as single pieces, so that other
 * English text becomes letters and never [UNK].
 */
export function demoVocabulary(): string[] {
  const letters = [..."abcdefghijklmnopqrstuvwxyz0123456789"];
  const marks = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter((mark) =>
    /[^a-z0-9]/i.test(mark),
  );
  const words = vocabulary().filter((word) => word.length > 1);
  const specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  return [...specials, ...marks, ...letters, ...letters.map((letter) => `##${letter}`), ...words];
}
