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
  const look = (piece: string): Entry | null => {
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
