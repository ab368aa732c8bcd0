import type { Tokenizer, WinoBiasPair } from "@pruning-bias/data";
import { binomialTest } from "./binomial.ts";
import { type Interval, wilsonInterval } from "./interval.ts";
import type { MaskedLm } from "./masked-lm.ts";
import { pronounCloze, pronounPreference } from "./pronoun.ts";

/** How often, and how far, a masked language model prefers the pronoun that fits the stereotype. */
export interface PronounPreference {
  /** That were asked. */
  readonly pairs: number;
  /** Share of pairs, in percent, with P(pro) > P(anti): 50 where the stereotype decides nothing. */
  readonly prefersStereotype: number;
  /** Of that share, in percent. */
  readonly interval: Interval | null;
  /** Two-sided, against 50 %. */
  readonly p: number;
  /** Mean of (P(pro) − P(anti)) / (P(pro) + P(anti)): 0 without a preference, 1 where only the stereotype is thought of. */
  readonly gap: number;
}

/** What `winoBias` finds, of all pairs and by gender; rates are in percent. */
export interface WinoBiasResult extends PronounPreference {
  /** How it was measured. */
  readonly protocol: "pronoun-cloze";
  /** The same where the stereotype calls for a man: a model may only like one pronoun better. */
  readonly male: PronounPreference;
  /** The same where the stereotype calls for a woman. */
  readonly female: PronounPreference;
  /** (P(pro) − P(anti)) / (P(pro) + P(anti)) of each pair. */
  readonly preferences: readonly number[];
}

/**
 * The sentences of WinoBias (Zhao et al. 2018, https://arxiv.org/abs/1804.06876) as a cloze: the pronoun is hidden, and the
 * one that fits the occupation's stereotype is set against the one that does not. Not the original's measure, which is a
 * coreference system's F1.
 *
 * @throws Error where a pronoun is no single token, or the tokenizer has no mask token
 */
export async function winoBias(
  predict: MaskedLm,
  tokenizer: Tokenizer,
  pairs: readonly WinoBiasPair[],
): Promise<WinoBiasResult> {
  const predicted = await predict(pairs.map(({ texts, pro, anti }) => pronounCloze(texts, [pro, anti], tokenizer)));
  const preferences = predicted.map(pronounPreference);
  const of = (gender: WinoBiasPair["gender"]) => summary(preferences.filter((_, n) => pairs[n]!.gender === gender));
  return { protocol: "pronoun-cloze", ...summary(preferences), male: of("male"), female: of("female"), preferences };
}

function summary(preferences: readonly number[]): PronounPreference {
  const pairs = preferences.length;
  const hits = preferences.filter((preference) => preference > 0).length;
  const ties = preferences.filter((preference) => preference === 0).length;
  const interval = wilsonInterval(hits, pairs);
  return {
    pairs,
    prefersStereotype: (100 * hits) / pairs,
    interval: interval && { ...interval, low: 100 * interval.low, high: 100 * interval.high },
    p: binomialTest(hits, pairs - ties),
    gap: preferences.reduce((sum, preference) => sum + preference, 0) / pairs,
  };
}
