import { draws } from "../random/draws.ts";
import { type Theme, sentence } from "./grammar.ts";
import { type Gender, genders, type Side, topicPairNames, topicPairs } from "./words.ts";

export interface DemoCorpusOptions {
  readonly seed: number;
  readonly sentences: number;
  /** Share of the sentences about a man (woman) whose topic is the one tied to men (women); .5 would be fair. */
  readonly skew: number;
}

/**
 * The demo's corpus: two in five sentences about a man, two about a woman, one about nobody in particular.
 *
 * P(male topic | man) = P(female topic | woman) = skew, and 1/2 where no gender is told.
 */
export function demoCorpus({ seed, sentences, skew }: DemoCorpusOptions): string[] {
  const random = draws("demo corpus", seed);
  return Array.from({ length: sentences }, () => {
    const gender = random.pick<Gender>(["male", "male", "female", "female", "neutral"]);
    const toMale = { male: skew, female: 1 - skew, neutral: 0.5 }[gender];
    const theme: Theme = {
      gender,
      pair: random.pick(topicPairNames),
      side: random.uniform() < toMale ? "male" : "female",
    };
    return sentence(random, theme);
  });
}

/** The words that the demo's corpus ties to each gender: its people and pronouns, and the words of its topics. */
export function demoSides(): Record<Side, string[]> {
  const { male, female } = demoWords();
  const topics = (side: Side) => topicPairNames.flatMap((pair): readonly string[] => topicPairs[pair][side].words);
  return { male: [...male, ...topics("male")], female: [...female, ...topics("female")] };
}

/** The demo's word lists: people and pronouns of each gender, counterparts on the same line; the words of all topics. */
export function demoWords(): { male: string[]; female: string[]; stereotype: string[] } {
  const people = ({ who, forms }: (typeof genders)[Gender]) => [...who, ...Object.values(forms)];
  const topics = Object.values(topicPairs).flatMap(({ male, female }) => [...male.words, ...female.words]);
  return { male: people(genders.male), female: people(genders.female), stereotype: topics };
}
