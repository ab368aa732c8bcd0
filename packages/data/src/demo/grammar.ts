import type { Draws } from "../random/draws.ts";
import { type Gender, genders, type Side, type TopicPair, topicPairs } from "./words.ts";

/**
 * Sentences with slots: `{who}`, `{he}`, `{him}`, `{his}`, `{himself}` by gender, `{a}`, `{b}`, `{c}` words of one topic.
 *
 * Each has several cues, for from one cue a sentence a small encoder learns nothing in the demo's few hundred steps. All
 * verbs fit *they* as well.
 */
const thingTemplates = [
  "the {who} said that {he} kept {his} {a}, the {b} and the {c}.",
  "every morning {he} thought about the {a}, the {b} and the {c}.",
  "after lunch the {who} looked at the {a}, the {b} and the {c}.",
  "this is the {who} with the {a}, the {b} and the {c}.",
  "this is {his} {a}, and that is {his} {b}.",
  "all day long {he} dreamed of {his} {a}, the {b} and the {c}.",
];

const jobTemplates = [
  "the {who} said that {he} worked as a {a}, a {b} and a {c}.",
  "{he} trained as a {a} and worked as a {b} and a {c}.",
  "after lunch the {who} talked about {his} work as a {a}, a {b} and a {c}.",
  "this is the {who}, who worked as a {a}, a {b} and a {c}.",
  "this is {him} as a {a}, and that is {him} as a {b}.",
  "every morning {he} called {himself} a {a}, a {b} and a {c}.",
];

/** What a sentence is about. */
export interface Theme {
  readonly gender: Gender;
  readonly pair: TopicPair;
  readonly side: Side;
}

/** A sentence on a theme. */
export function sentence(draws: Draws, { gender, pair, side }: Theme): string {
  const { who, forms } = genders[gender];
  const { words } = topicPairs[pair][side];
  const [a, b, c] = [...draws.permutation(words.length).subarray(0, 3)].map((at) => words[at]!);
  const slots: Record<string, string | undefined> = { ...forms, who: draws.pick<string>(who), a, b, c };
  const template = draws.pick(pair === "jobs" ? jobTemplates : thingTemplates);
  return capitalised(template.replace(/\{(\w+)\}/g, (_, slot: string) => slots[slot] ?? ""));
}

/** With its first letter in upper case. */
export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** All words of the grammar, sorted, each once. */
export function vocabulary(): string[] {
  const topics = Object.values(topicPairs).flatMap(({ male, female }) => [...male.words, ...female.words]);
  const people = Object.values(genders).flatMap(({ who, forms }) => [...who, ...Object.values(forms)]);
  const fixed = [...thingTemplates, ...jobTemplates].flatMap(
    (template) => template.replace(/\{\w+\}/g, " ").match(/[a-z]+/g) ?? [],
  );
  return [...new Set([...topics, ...people, ...fixed])].sort();
}
