import type { SeatTest } from "../seat/seat.ts";
import { genders, topicPairNames, topicPairs } from "./words.ts";

/** Three tests in SEAT's form: men and women as targets, the two topics of a pair as attributes. */
export function demoSeat(): SeatTest[] {
  const people = { X: set("Men", "the", genders.male.who), Y: set("Women", "the", genders.female.who) };
  return topicPairNames.map((pair) => {
    const { male, female } = topicPairs[pair];
    const article = pair === "jobs" ? "a" : "the";
    const attributes = { A: set(male.topic, article, male.words), B: set(female.topic, article, female.words) };
    return { name: `demo-${pair}`, targets: people, attributes };
  });
}

function set(category: string, article: string, words: readonly string[]) {
  return { category, examples: words.map((word) => `This is ${article} ${word}.`) };
}
