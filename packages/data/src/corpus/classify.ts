import { lowered, pieces } from "../text/pieces.ts";

/** The classes of sentences that are kept, in the order in which they are reported. */
export const classNames = ["male", "female", "stereotype"] as const;

/** A class of sentences, by whose words they have. */
export type ClassName = (typeof classNames)[number];

/** The words of each class, in lower case. */
export type ClassWords = Readonly<Record<ClassName, ReadonlySet<string>>>;

/** The class of a sentence, and why. */
export interface Classified {
  /** `none` where no rule holds. */
  readonly class: ClassName | "none";
  /** The words of that class in the sentence, sorted, each once. */
  readonly keywords: readonly string[];
}

/**
 * Tells the class of sentences: *male* with male words and no female ones, *female* the other way round, *stereotype*
 * with stereotype words and neither; else none (Kaneko & Bollegala 2021, section 3).
 */
export function classifier(words: ClassWords): (sentence: string) => Classified {
  // What a piece is, by its raw form: most pieces of a corpus recur, and nearly all are no keyword.
  const memo = new Map<string, Entry | null>();
  const may = filter(Object.values(words).flatMap((list) => [...list]));
  const look = (piece: string): Entry | null => {
    if (!may(piece)) return null;
    let entry = memo.get(piece);
    if (entry === undefined) {
      entry = entryOf(lowered(piece), words);
      if (memo.size < memoSize) memo.set(piece, entry);
    }
    return entry;
  };
  return (sentence) => {
    let found: Entry[] | undefined;
    for (const piece of pieces(sentence)) {
      const entry = look(piece);
      if (entry !== null) (found ??= []).push(entry);
    }
    return found === undefined ? none : decide(found);
  };
}

interface Entry {
  readonly word: string;
  readonly male: boolean;
  readonly female: boolean;
  readonly stereotype: boolean;
}

const memoSize = 1 << 20;
const none: Classified = { class: "none", keywords: [] };

/**
 * Whether a piece may be one of the words, told by its length and its first and last character: false is sure. Most pieces
 * need not be hashed so.
 */
function filter(words: readonly string[]): (piece: string) => boolean {
  const seen = new Uint8Array(LENGTHS << 14);
  for (const word of words) {
    const key = keyOf(word, 0);
    if (key === UNTOLD) continue;
    // Lower case may be longer than what it is of, outside ASCII alone.
    if (ascii.test(word)) seen[key] = 1;
    else for (let length = 0; length < LENGTHS; length++) seen[(length << 14) | (key & 0x3fff)] = 1;
  }
  return (piece) => {
    const key = keyOf(piece, piece.charCodeAt(0) === SPACE ? 1 : 0);
    return key === UNTOLD || seen[key] === 1;
  };
}

/** Lengths told apart; longer ones count as the last. */
const LENGTHS = 32;
const SPACE = 0x20;
const UNTOLD = -1;
const ascii = /^[\x21-\x7e]+$/;

/**
 * Length, first and last character of what starts at `from`, in lower case. Nothing is told of one that is empty, that begins or
 * ends with what is no ASCII, and so may have another lower case, or with a blank that is taken away before words are compared.
 */
function keyOf(word: string, from: number): number {
  const [first, last] = [word.charCodeAt(from), word.charCodeAt(word.length - 1)];
  if (!(first > SPACE && first < 0x80 && last > SPACE && last < 0x80)) return UNTOLD;
  return (Math.min(word.length - from, LENGTHS - 1) << 14) | (lower(first) << 7) | lower(last);
}

const lower = (code: number): number => (code >= 0x41 && code <= 0x5a ? code + 0x20 : code);

function entryOf(word: string, { male, female, stereotype }: ClassWords): Entry | null {
  const entry = { word, male: male.has(word), female: female.has(word), stereotype: stereotype.has(word) };
  return entry.male || entry.female || entry.stereotype ? entry : null;
}

function decide(found: readonly Entry[]): Classified {
  const male = found.some((entry) => entry.male);
  const female = found.some((entry) => entry.female);
  if (male && female) return none;
  const name = male ? "male" : female ? "female" : "stereotype";
  const keywords = new Set(found.filter((entry) => entry[name]).map((entry) => entry.word));
  return { class: name, keywords: [...keywords].sort() };
}
