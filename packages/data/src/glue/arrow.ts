import { Float64, Int32, makeData, Uint16, Uint32, Uint8 } from "apache-arrow";
import { list, offsetsOf, readArrow, writeArrow } from "../files/arrow.ts";
import { type GlueTask, glueTasks } from "./tasks.ts";
import type { GlueTokens } from "./tokens.ts";

/**
 * Writes a tokenised split as an Arrow IPC file, atomically: `input_ids: List<Uint16 | Uint32>`,
 * `token_type_ids: List<Uint8>`, `label: Int32`, of a regression `Float64`, and `idx: Int32`.
 */
export async function writeGlueTokens(path: string, tokens: GlueTokens): Promise<void> {
  const { length, offsets, inputIds, tokenTypeIds, labels, idx } = tokens;
  await writeArrow(path, length, {
    input_ids:
      inputIds instanceof Uint32Array
        ? list(length, offsets, makeData({ type: new Uint32(), data: inputIds }))
        : list(length, offsets, makeData({ type: new Uint16(), data: inputIds })),
    token_type_ids: list(length, offsets, makeData({ type: new Uint8(), data: tokenTypeIds })),
    label:
      labels instanceof Int32Array
        ? makeData({ type: new Int32(), length, data: labels })
        : makeData({ type: new Float64(), length, data: labels }),
    idx: makeData({ type: new Int32(), length, data: idx }),
  });
}

/** Reads what `writeGlueTokens` wrote: the arrays are views of the file's bytes. Throws one line that names the file. */
export const readGlueTokens = (path: string, task: GlueTask, split: string): Promise<GlueTokens> =>
  readArrow(path, "tokenised examples", (column, length) => {
    const ids = column("input_ids");
    const inputIds = ids.children[0]?.values;
    const tokenTypeIds = column("token_type_ids").children[0]?.values;
    const [labels, idx] = [column("label").values, column("idx").values];
    const right =
      (inputIds instanceof Uint16Array || inputIds instanceof Uint32Array) &&
      tokenTypeIds instanceof Uint8Array &&
      (glueTasks[task].labels === 1 ? labels instanceof Float64Array : labels instanceof Int32Array) &&
      idx instanceof Int32Array;
    if (!right) throw new Error("other columns");
    if (Math.min(labels.length, idx.length) < length) throw new Error("it is cut short");
    const offsets = offsetsOf(ids, length, Math.min(inputIds.length, tokenTypeIds.length));
    // Buffers end in padding.
    const tokens = offsets[length];
    return {
      ...{ task, split, length, offsets },
      inputIds: inputIds.subarray(0, tokens),
      tokenTypeIds: tokenTypeIds.subarray(0, tokens),
      labels: (labels as GlueTokens["labels"]).subarray(0, length),
      idx: idx.subarray(0, length),
    };
  });
