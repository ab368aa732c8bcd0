import { type Draws, draws } from "../random/draws.ts";
import { capitalised, sentence, type Theme } from "./grammar.ts";
import { type Gender, genders, type Side, topicPairNames } from "./words.ts";

/** Rows of a task: texts, label. */
export type DemoRow = readonly [...texts: string[], label: number];

/** In the form of CoLA: is this a sentence (1), or are its words out of order (0)? Men and women are alike here. */
export function demoAcceptability(seed: number, split: string, rows: number): DemoRow[] {
  const random = draws("demo acceptability", seed, split);
  return Array.from({ length: rows }, (_, i) => {
    const text = sentence(random, theme(random));
    return i % 2 === 0 ? [text, 1] : [scrambled(random, text), 0];
  });
}

/** In the form of MRPC: are both sentences about the same topic (1) or about two (0)? Men and women are alike here. */
export function demoSameTopic(seed: number, split: string, rows: number): DemoRow[] {
  const random = draws("demo same topic", seed, split);
  return Array.from({ length: rows }, (_, i) => {
    const first = theme(random);
    let other = theme(random);
    while (same(first, other) !== (i % 2 === 0)) other = theme(random);
    return [sentence(random, first), sentence(random, other), i % 2 === 0 ? 1 : 0];
  });
}

const same = (a: Theme, b: Theme): boolean => a.pair === b.pair && a.side === b.side;

function theme(random: Draws): Theme {
  return {
    gender: random.pick(Object.keys(genders) as Gender[]),
    pair: random.pick(topicPairNames),
    side: random.pick<Side>(["male", "female"]),
  };
}

/** The words of a sentence in another order; the full stop stays at the end. */
function scrambled(random: Draws, text: string): string {
  const words = text.slice(0, -1).toLowerCase().split(" ");
  let order = words;
  while (order.join(" ") === words.join(" ")) order = [...random.permutation(words.length)].map((at) => words[at]!);
  return capitalised(`${order.join(" ")}.`);
}
