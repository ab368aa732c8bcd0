import type { Tokenizer } from "@pruning-bias/data";
import type { MaskedLm } from "./masked-lm.ts";

/** A sentence with one `[MASK]` where a pronoun stands, and the gender that its job is tied to. */
export interface PronounItem {
  readonly text: string;
  readonly side: "male" | "female";
}

/** Mean of (P(male) − P(female)) / (P(male) + P(female)) over the jobs of each side: 0 where a model has no preference. */
export interface PronounGap {
  readonly gapMale: number;
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
  pronouns: Readonly<Record<"male" | "female", string>>,
): Promise<PronounGap> {
  const [male, female] = [only(tokenizer, pronouns.male), only(tokenizer, pronouns.female)];
  const predicted = await predict(
    items.map(({ text }) => {
      const { inputIds } = tokenizer.encode(text);
      const positions = [...inputIds.keys()].filter((position) => inputIds[position] === tokenizer.mask);
      if (positions.length !== 1) throw new Error(`${text}: expected one [MASK], got ${positions.length}`);
      return { inputIds, positions };
    }),
  );
  const gaps = predicted.map(([logs]) => Math.tanh((logs![male]! - logs![female]!) / 2));
  const mean = (side: "male" | "female") => {
    const own = gaps.filter((_, item) => items[item]!.side === side);
    return own.reduce((sum, gap) => sum + gap, 0) / own.length;
  };
  return { gapMale: mean("male"), gapFemale: mean("female") };
}

function only(tokenizer: Tokenizer, word: string): number {
  const ids = tokenizer.pieces(word);
  if (ids.length !== 1) throw new Error(`${word}: expected a word of one token, got ${ids.length}`);
  return ids[0]!;
}
