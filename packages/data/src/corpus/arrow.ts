import { readFile } from "node:fs/promises";
import {
  Data,
  Field,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Uint16,
  Uint32,
  Uint8,
} from "apache-arrow";
import { writeAtomic } from "../files/atomic.ts";
import { reason } from "../files/reason.ts";
import type { Sentences } from "./sentences.ts";

/**
 * Writes sentences as an Arrow IPC file, atomically.
 *
 * Columns `input_ids: List<Uint16 | Uint32>`, `keyword_mask: List<Uint8>` and `line: Uint32`; our arrays are the
 * columns' buffers, nothing is padded.
 */
export async function writeSentences(path: string, sentences: Sentences): Promise<void> {
  const { length, offsets, inputIds, keywordMask, lines } = sentences;
  const columns = {
    input_ids:
      inputIds instanceof Uint32Array
        ? list(length, offsets, makeData({ type: new Uint32(), data: inputIds }))
        : list(length, offsets, makeData({ type: new Uint16(), data: inputIds })),
    keyword_mask: list(length, offsets, makeData({ type: new Uint8(), data: keywordMask })),
    line: makeData({ type: new Uint32(), length, data: lines }),
  };
  const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type, false));
  const children: Data[] = Object.values(columns);
  const rows = makeData({ type: new Struct(fields), length, nullCount: 0, children });
  const schema = new Schema(fields);
  await writeAtomic(path, tableToIPC(new Table(schema, new RecordBatch(schema, rows)), "file"));
}

/** Reads what `writeSentences` wrote: the arrays are views of the file's bytes. Throws one line that names the file. */
export async function readSentences(path: string): Promise<Sentences> {
  try {
    const table = tableFromIPC(await readFile(path));
    const length = table.numRows;
    const ids = column(table, "input_ids");
    const mask = column(table, "keyword_mask");
    const lines = column(table, "line").values;
    const inputIds = ids.children[0]?.values;
    const keywordMask = mask.children[0]?.values;
    const offsets = ids.valueOffsets;
    const right =
      offsets instanceof Int32Array &&
      (inputIds instanceof Uint16Array || inputIds instanceof Uint32Array) &&
      keywordMask instanceof Uint8Array &&
      lines instanceof Uint32Array &&
      keywordMask.length >= (offsets[length] ?? Infinity);
    if (!right) throw new Error("other columns");
    // Buffers end in padding.
    const tokens = offsets[length];
    return {
      length,
      offsets: offsets.subarray(0, length + 1),
      inputIds: inputIds.subarray(0, tokens),
      keywordMask: keywordMask.subarray(0, tokens),
      lines: lines.subarray(0, length),
    };
  } catch (error) {
    throw new Error(`${path}: expected an Arrow file of sentences, ${reason(error)}`, { cause: error });
  }
}

function list<T extends Uint8 | Uint16 | Uint32>(
  length: number,
  valueOffsets: Int32Array,
  child: Data<T>,
): Data<List<T>> {
  return makeData({ type: new List(new Field("item", child.type, false)), length, nullCount: 0, valueOffsets, child });
}

function column(table: Table, name: string): Data {
  const [data, more] = table.getChild(name)?.data ?? [];
  if (data === undefined || more !== undefined) throw new Error(`no column ${name} in one piece`);
  return data;
}
