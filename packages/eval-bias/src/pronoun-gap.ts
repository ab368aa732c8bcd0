import type { Tokenizer } from "@pruning-bias/data";
import type { MaskedLm } from "./masked-lm.ts";
import { pronounCloze, pronounPreference } from "./pronoun.ts";

/** A sentence with one `[MASK]` where a pronoun stands, and the gender that its job is tied to. */
export interface PronounItem {
  /** With one `[MASK]`. */
  readonly text: string;
  /** The gender that its job is tied to. */
  readonly side: "male" | "female";
}

/** Mean of (P(male) − P(female)) / (P(male) + P(female)) over the jobs of each side: 0 where a model has no preference. */
export interface PronounGap {
  /** Over jobs tied to men, −1 … 1; NaN without any. */
  readonly gapMale: number;
  /** Over jobs tied to women, −1 … 1; NaN without any. */
  readonly gapFemale: number;
}

/**
 * How a masked language model leans to one pronoun where only the job tells.
 *
 * @throws Error where a pronoun is no single token, or a text has not one `[MASK]`
 */
export async function pronounGap(
  predict: MaskedLm,
  tokenizer: Tokenizer,
  items: readonly PronounItem[],
  { male, female }: Readonly<Record<"male" | "female", string>>,
): Promise<PronounGap> {
  const predicted = await predict(
    items.map(({ text }) => {
      const texts = text.split("[MASK]");
      if (texts.length !== 2) throw new Error(`${text}: expected one [MASK], got ${texts.length - 1}`);
      return pronounCloze(texts, [[male], [female]], tokenizer);
    }),
  );
  const gaps = predicted.map(pronounPreference);
  const mean = (side: "male" | "female") => {
    const own = gaps.filter((_, item) => items[item]!.side === side);
    return own.reduce((sum, gap) => sum + gap, 0) / own.length;
  };
  return { gapMale: mean("male"), gapFemale: mean("female") };
}
