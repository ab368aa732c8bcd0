import { readFile } from "node:fs/promises";
import {
  Data,
  type DataType,
  Field,
  List,
  makeData,
  RecordBatch,
  type RecordBatchFileReader,
  RecordBatchReader,
  Schema,
  Struct,
  Table,
  tableToIPC,
} from "apache-arrow";
import { checkClaims } from "./arrow-claims.ts";
import { writeAtomic } from "./atomic.ts";
import { reason } from "./reason.ts";

/** Writes columns of `length` rows as an Arrow IPC file, atomically: their arrays are the file's buffers. */
export async function writeArrow(path: string, length: number, columns: Readonly<Record<string, Data>>): Promise<void> {
  const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type as DataType, false));
  const rows = makeData({ type: new Struct(fields), length, nullCount: 0, children: Object.values(columns) });
  const schema = new Schema(fields);
  await writeAtomic(path, tableToIPC(new Table(schema, new RecordBatch(schema, rows)), "file"));
}

/**
 * Reads an Arrow file of one record batch through `columns`, which takes a column by its name, and the number of rows. Throws
 * one line that names the file: `expected an Arrow file of WHAT, …`.
 */
export async function readArrow<T>(
  path: string,
  what: string,
  columns: (column: (name: string) => Data, length: number) => T,
): Promise<T> {
  try {
    const bytes = await readFile(path);
    checkClaims(bytes);
    const reader = RecordBatchReader.from(bytes).open() as RecordBatchFileReader;
    // By its number: whoever asks for the next one of a damaged file may never be told that there is none.
    const batch = reader.readRecordBatch(0);
    if (batch === null) throw new Error("no rows");
    const column = (name: string): Data => {
      const data = batch.getChild(name)?.data[0];
      if (data === undefined) throw new Error(`no column ${name}`);
      return data;
    };
    return columns(column, batch.numRows);
  } catch (error) {
    throw new Error(`${path}: expected an Arrow file of ${what}, ${reason(error)}`, { cause: error });
  }
}

/**
 * Where each of `length` lists begins in their `items` values, and where the last ends. Throws where they do not follow each
 * other from 0 on: whoever trusts such numbers reads what is not there.
 */
export function offsetsOf({ valueOffsets }: Data, length: number, items: number): Int32Array {
  if (!(valueOffsets instanceof Int32Array) || valueOffsets.length <= length) throw new Error("lists without offsets");
  const offsets = valueOffsets.subarray(0, length + 1);
  const rising = offsets.every((at, i) => at >= (offsets[i - 1] ?? 0));
  if (!rising || offsets[0] !== 0 || offsets[length]! > items) throw new Error("lists that lie elsewhere");
  return offsets;
}

/** A column of lists, one after the other in `child`. */
export const list = <T extends DataType>(length: number, valueOffsets: Int32Array, child: Data<T>): Data<List<T>> =>
  makeData({ type: new List(new Field("item", child.type, false)), length, nullCount: 0, valueOffsets, child });
