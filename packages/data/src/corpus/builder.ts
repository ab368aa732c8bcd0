import type { Sentences } from "./sentences.ts";

/** Collects sentences into arrays that double as they fill. */
export interface SentencesBuilder {
  add(line: number, inputIds: ArrayLike<number>, keywordMask: ArrayLike<number>): void;
  /** The sentences so far, in arrays cut to size. */
  build(): Sentences;
}

/** An empty builder; ids take 16 bits where the vocabulary allows. */
export function sentencesBuilder(vocabularySize: number): SentencesBuilder {
  let offsets: Int32Array = new Int32Array(1024);
  let lines: Uint32Array = new Uint32Array(1024);
  let ids: Uint16Array | Uint32Array = new (vocabularySize <= 1 << 16 ? Uint16Array : Uint32Array)(1 << 15);
  let mask: Uint8Array = new Uint8Array(1 << 15);
  let length = 0;
  let tokens = 0;
  return {
    add(line, inputIds, keywordMask) {
      if (length + 1 >= offsets.length) [offsets, lines] = [doubled(offsets), doubled(lines)];
      while (tokens + inputIds.length > ids.length) [ids, mask] = [doubled(ids), doubled(mask)];
      ids.set(inputIds, tokens);
      mask.set(keywordMask, tokens);
      lines[length++] = line;
      offsets[length] = tokens += inputIds.length;
    },
    build: () => ({
      length,
      offsets: offsets.slice(0, length + 1),
      inputIds: ids.slice(0, tokens),
      keywordMask: mask.slice(0, tokens),
      lines: lines.slice(0, length),
    }),
  };
}

function doubled<T extends Int32Array | Uint32Array | Uint16Array | Uint8Array>(array: T): T {
  const wider = new (array.constructor as new (length: number) => T)(2 * array.length);
  wider.set(array);
  return wider;
}
