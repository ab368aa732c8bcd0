import type { DebiasBatch, DebiasSentences } from "./losses.ts";

/** All sentences as one batch. */
export const everySentence = ({ targets, male, female }: DebiasSentences) => ({
  targets: Int32Array.from({ length: targets.length }, (_, row) => row),
  attributes: Int32Array.from({ length: male.length + female.length }, (_, row) => row),
});

/** The first `most` of each class as one batch. */
export function someSentences({ targets, male, female }: DebiasSentences, most: number): DebiasBatch {
  const rows = (length: number, from = 0) => Array.from({ length: Math.min(most, length) }, (_, row) => from + row);
  return { targets: rows(targets.length), attributes: [...rows(male.length), ...rows(female.length, male.length)] };
}

/** For people: which batch, and the first of its rows. */
export const described = ({ targets, attributes }: DebiasBatch, epoch: number, index: number): string => {
  const rows = (all: ArrayLike<number>) => `${Array.from(all).slice(0, 4).join(", ")}${all.length > 4 ? ", …" : ""}`;
  return `batch ${index + 1} of epoch ${epoch + 1} (targets ${rows(targets)}; attributes ${rows(attributes)})`;
};
