import { type Sentences, take } from "@pruning-bias/data";

/** The first so many of some sentences, or all where there are no more. */
export const firstSentences = (sentences: Sentences, limit: number): Sentences =>
  sentences.length <= limit
    ? sentences
    : take(
        sentences,
        Int32Array.from({ length: limit }, (_, row) => row),
      );
