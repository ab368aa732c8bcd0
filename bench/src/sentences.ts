import type { Sentences } from "@pruning-bias/data";
import { generator } from "@pruning-bias/runtime";

/** Sentences of random words, of these lengths in turn; the second word is a keyword. */
export function randomSentences({
  count,
  seq,
  vocabulary,
  seed,
}: {
  count: number;
  seq: readonly number[];
  vocabulary: number;
  seed: number;
}): Sentences {
  const { int } = generator(seed);
  const offsets = new Int32Array(count + 1);
  for (let row = 0; row < count; row++) offsets[row + 1] = offsets[row]! + seq[row % seq.length]!;
  const total = offsets[count]!;
  const keywordMask = new Uint8Array(total);
  for (let row = 0; row < count; row++) keywordMask[offsets[row]! + 1] = 1;
  return {
    length: count,
    offsets,
    inputIds: Uint32Array.from({ length: total }, () => 1000 + int(vocabulary - 1000)),
    keywordMask,
    lines: Uint32Array.from({ length: count }, (_, row) => row),
  };
}
