import type { Library } from "./library.ts";

/** A place in the finished sequence: a special token, or all tokens of the first (0) or second (1) text. */
export type Slot = { readonly type: number } & ({ readonly id: number } | { readonly text: 0 | 1 });

/**
 * Where a tokenizer puts its special tokens around one text, or two: found by handing it one mark for each text. Throws
 * where a text is left out or comes twice, which no cut to a length allows for.
 */
export function template(library: Library, texts: 1 | 2, { segments = true } = {}): Slot[] {
  const [first, second] = texts === 1 ? [marks[0], null] : marks;
  const { tokens, token_type_ids } = library.post_processor?.([first], second === null ? null : [second], true) ?? {
    tokens: second === null ? [first] : [first, second],
  };
  for (const mark of marks.slice(0, texts)) {
    const times = tokens.filter((token) => token === mark).length;
    if (times !== 1) throw new Error(`one that takes a text ${times} times into a sequence`);
  }
  return tokens.map((token, i) => {
    const type = segments ? (token_type_ids?.[i] ?? 0) : 0;
    const text = marks.findIndex((mark) => mark === token);
    if (text >= 0) return { type, text: text === 0 ? 0 : 1 };
    const id = library.token_to_id(token);
    if (id === undefined)
      throw new Error(`${JSON.stringify(token) ?? "a special token"}, which is not in its vocabulary`);
    return { type, id };
  });
}

const marks = ["\u0000first", "\u0000second"] as const;
