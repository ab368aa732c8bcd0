import type { Tokenizer } from "@pruning-bias/data";
import type { Cloze } from "./masked-lm.ts";

/**
 * A sentence with its pronouns hidden that asks for one set of them, then for the other. They are found by what differs
 * between the tokens of the sentence with the one and with the other, so that a word's leading space is part of it where the
 * tokenizer has that.
 *
 * @param texts before, between and after the pronouns
 * @throws Error where they do not differ in one token each
 */
export function pronounCloze(
  texts: readonly string[],
  pronouns: readonly [readonly string[], readonly string[]],
  tokenizer: Pick<Tokenizer, "encode" | "mask" | "maxLength">,
): Cloze {
  const sentence = (own: readonly string[]) =>
    texts.map((text, n) => (n === 0 ? text : `${own[n - 1]}${text}`)).join("");
  const [first, second] = pronouns.map((own) => tokenizer.encode(sentence(own)).inputIds) as [number[], number[]];
  const places = [...first.keys()].filter((position) => first[position] !== second[position]);
  if (tokenizer.mask === undefined)
    throw new Error("pronouns: expected a tokenizer with a mask token, got one without");
  if (first.length !== second.length || places.length !== pronouns[0].length) {
    throw new Error(
      `${JSON.stringify(sentence(pronouns[0]))}: expected ${pronouns.flat().join(", ")} as one token each among the first ${tokenizer.maxLength}, got others`,
    );
  }
  return {
    inputIds: first.map((id, position) => (places.includes(position) ? tokenizer.mask! : id)),
    asked: [first, second].flatMap((ids) => places.map((position) => ({ position, token: ids[position]! }))),
  };
}

/** (P(first) − P(second)) / (P(first) + P(second)), from the logarithms of the pronouns of the one, then of the other. */
export function pronounPreference(logs: Float32Array): number {
  const half = logs.length / 2;
  const difference = logs.reduce((sum, log, n) => (n < half ? sum + log : sum - log), 0);
  return Math.tanh(difference / 2);
}
