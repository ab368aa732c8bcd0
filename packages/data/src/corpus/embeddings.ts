import { Field, FixedSizeList, Float32, makeData, Uint32 } from "apache-arrow";
import { readArrow, writeArrow } from "../files/arrow.ts";

/** Embeddings of some rows of a corpus. */
export interface Embeddings {
  /** [n]: which sentences of the corpus. */
  readonly rows: Uint32Array;
  /** [n, width], row by row. */
  readonly values: Float32Array;
  /** Numbers of an embedding. */
  readonly width: number;
}

/**
 * Writes embeddings as an Arrow IPC file, atomically: `row: Uint32` and `embedding: FixedSizeList<Float32>`.
 *
 * @throws RangeError for values of another number than n·width
 */
export async function writeEmbeddings(path: string, { rows, values, width }: Embeddings): Promise<void> {
  if (values.length !== rows.length * width) {
    const expected = `[${rows.length}, ${width}]`;
    throw new RangeError(`${path}: expected embeddings ${expected} to write, got ${values.length} numbers`);
  }
  const item = makeData({ type: new Float32(), length: values.length, data: values });
  const type = new FixedSizeList(width, new Field("item", item.type, false));
  await writeArrow(path, rows.length, {
    row: makeData({ type: new Uint32(), length: rows.length, data: rows }),
    embedding: makeData({ type, length: rows.length, nullCount: 0, child: item }),
  });
}

/** Reads what `writeEmbeddings` wrote: views of the file's bytes. Throws one line that names the file. */
export const readEmbeddings = (path: string): Promise<Embeddings> =>
  readArrow(path, "embeddings", (column, length) => {
    const [{ values: rows }, embeddings] = [column("row"), column("embedding")];
    const values = embeddings.children[0]?.values;
    const width = (embeddings.type as FixedSizeList).listSize;
    if (!(rows instanceof Uint32Array && values instanceof Float32Array && width !== undefined)) {
      throw new Error("other columns");
    }
    if (rows.length < length || !(width >= 0) || values.length < length * width) throw new Error("it is cut short");
    return { rows: rows.subarray(0, length), values: values.subarray(0, length * width), width };
  });
