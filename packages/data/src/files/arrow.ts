import { readFile } from "node:fs/promises";
import { reason, sha256, writeWhole } from "@pruning-bias/files";
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

/**
 * Writes columns of `length` rows as an Arrow IPC file, atomically: their arrays are the file's buffers. Among the schema's
 * metadata is the SHA-256 of all the rest, by which `readArrow` knows a file that was damaged.
 */
export async function writeArrow(path: string, length: number, columns: Readonly<Record<string, Data>>): Promise<void> {
  const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type as DataType, false));
  const rows = makeData({ type: new Struct(fields), length, nullCount: 0, children: Object.values(columns) });
  const schema = new Schema(fields, new Map([[DIGEST, NO_DIGEST]]));
  const bytes = Buffer.from(tableToIPC(new Table(schema, new RecordBatch(schema, rows)), "file"));
  await writeWhole(path, sealed(bytes));
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
    // Before Arrow sees them: of damaged ones it may read forever.
    const digest = unseal(bytes);
    if (digest === undefined || sha256(bytes) !== digest) {
      throw new Error("other bytes than were written");
    }
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

/** The same file with the digest of all the rest in its place. */
export const sealed = (bytes: Buffer): Buffer => replaced(bytes, NO_DIGEST, sha256(bytes));

/** Takes a file's digest out, in place, as it is while it is computed; returns it. */
export function unseal(bytes: Buffer): string | undefined {
  const [digest] = /[0-9a-f]{64}/.exec(bytes.toString("latin1", Math.max(0, bytes.length - FOOTER))) ?? [];
  if (digest !== undefined) replaced(bytes, digest, NO_DIGEST);
  return digest;
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

const DIGEST = "sha256";
/** A file's schema, and so its digest, stands within so many bytes of its end. */
const FOOTER = 8192;
/** Stands where the digest will, in the file's footer, while it is computed. */
const NO_DIGEST = "the SHA-256 of this file, with this text in its place, as 64 hex";

/** The same bytes, in place, with one text instead of another as long. */
function replaced(bytes: Buffer, text: string, by: string): Buffer {
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + by.length)) bytes.write(by, at, "latin1");
  return bytes;
}
