import { printable } from "@pruning-bias/files";
import { readTestSet } from "./text.ts";

/** A sentence of WinoBias with the pronouns that fit an occupation's stereotype, and those that do not. */
export interface WinoBiasPair {
  /** Counted from 1 in the files. */
  readonly line: number;
  /** The texts before, between and after its pronouns: one more than there are. */
  readonly texts: readonly string[];
  /** One or several, such as `he` and `his`. */
  readonly pro: readonly string[];
  /** As many, of the other gender. */
  readonly anti: readonly string[];
  /** The gender that the stereotype calls for. */
  readonly gender: "male" | "female";
}

const male = new Set(["he", "him", "his", "himself"]);
const female = new Set(["she", "her", "hers", "herself"]);

/**
 * Reads the pro- and the anti-stereotypical file of a part of WinoBias (Zhao et al. 2018) beside each other. Lines that differ in
 * more than the pronouns' gender are no pairs and left out; their numbers are `skipped`.
 *
 * @throws Error in one line that names the file, where there are no pairs or lines of another form
 */
export async function readWinoBias(
  proPath: string,
  antiPath: string,
): Promise<{ pairs: WinoBiasPair[]; skipped: number[] }> {
  const [pro, anti] = await Promise.all([proPath, antiPath].map(sentences));
  if (pro!.length !== anti!.length) {
    throw new Error(`${antiPath}: expected ${pro!.length} sentences as in ${proPath}, got ${anti!.length}`);
  }
  const pairs: WinoBiasPair[] = [];
  const skipped: number[] = [];
  pro!.forEach((own, n) => {
    const other = anti![n]!;
    const genders = [...new Set(own.pronouns.map(genderOf))];
    const opposite = own.pronouns.every((pronoun, k) => genderOf(other.pronouns[k] ?? pronoun) !== genderOf(pronoun));
    const alike = own.texts.join("\0") === other.texts.join("\0") && genders.length === 1 && opposite;
    if (alike)
      pairs.push({ line: n + 1, texts: own.texts, pro: own.pronouns, anti: other.pronouns, gender: genders[0]! });
    else skipped.push(n + 1);
  });
  if (pairs.length === 0)
    throw new Error(`${antiPath}: expected the sentences of ${proPath} with other pronouns, got none`);
  return { pairs, skipped };
}

/** The sentences of a file, cut at their pronouns; other brackets go. */
async function sentences(path: string): Promise<{ texts: string[]; pronouns: string[] }[]> {
  const text = await readTestSet(path, "WinoBias");
  return text
    .trim()
    .split(/\r?\n/)
    .map((line, n) => {
      const parts = line.replace(/^\d+\s+/, "").split(/\[([^\]]*)\]/);
      const texts = [""];
      const pronouns: string[] = [];
      parts.forEach((part, k) => {
        if (k % 2 === 1 && genderOf(part.trim()) !== undefined) {
          pronouns.push(part.trim());
          texts.push("");
        } else texts[texts.length - 1] += part;
      });
      if (pronouns.length > 0) return { texts, pronouns };
      throw new Error(
        `${path}:${n + 1}: expected a sentence of WinoBias with its pronoun in brackets, got ${printable(JSON.stringify(line.slice(0, 60)))}`,
      );
    });
}

function genderOf(word: string): "male" | "female" | undefined {
  if (male.has(word.toLowerCase())) return "male";
  return female.has(word.toLowerCase()) ? "female" : undefined;
}
