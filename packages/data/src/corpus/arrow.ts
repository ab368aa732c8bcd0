import { makeData, Uint16, Uint32, Uint8 } from "apache-arrow";
import { list, offsetsOf, readArrow, writeArrow } from "../files/arrow.ts";
import type { Sentences } from "./sentences.ts";

/**
 * Writes sentences as an Arrow IPC file, atomically.
 *
 * Columns `input_ids: List<Uint16 | Uint32>`, `keyword_mask: List<Uint8>` and `line: Uint32`; our arrays are the
 * columns' buffers, nothing is padded.
 */
export async function writeSentences(path: string, sentences: Sentences): Promise<void> {
  const { length, offsets, inputIds, keywordMask, lines } = sentences;
  await writeArrow(path, length, {
    input_ids:
      inputIds instanceof Uint32Array
        ? list(length, offsets, makeData({ type: new Uint32(), data: inputIds }))
        : list(length, offsets, makeData({ type: new Uint16(), data: inputIds })),
    keyword_mask: list(length, offsets, makeData({ type: new Uint8(), data: keywordMask })),
    line: makeData({ type: new Uint32(), length, data: lines }),
  });
}

/** Reads what `writeSentences` wrote: the arrays are views of the file's bytes. Throws one line that names the file. */
export const readSentences = (path: string): Promise<Sentences> =>
  readArrow(path, "sentences", (column, length) => {
    const ids = column("input_ids");
    const mask = column("keyword_mask");
    const lines = column("line").values;
    const inputIds = ids.children[0]?.values;
    const keywordMask = mask.children[0]?.values;
    const right =
      (inputIds instanceof Uint16Array || inputIds instanceof Uint32Array) &&
      keywordMask instanceof Uint8Array &&
      lines instanceof Uint32Array;
    if (!right) throw new Error("other columns");
    if (lines.length < length) throw new Error("it is cut short");
    const offsets = offsetsOf(ids, length, Math.min(inputIds.length, keywordMask.length));
    // Buffers end in padding.
    const tokens = offsets[length];
    return {
      ...{ length, offsets },
      inputIds: inputIds.subarray(0, tokens),
      keywordMask: keywordMask.subarray(0, tokens),
      lines: lines.subarray(0, length),
    };
  });
