import { readFile } from "node:fs/promises";
import {
  Data,
  Field,
  FixedSizeList,
  Float32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Uint32,
} from "apache-arrow";
import { writeAtomic } from "../files/atomic.ts";
import { reason } from "../files/reason.ts";

/** Embeddings of some rows of a corpus. */
export interface Embeddings {
  readonly rows: Uint32Array;
  /** (rows, width), row by row. */
  readonly values: Float32Array;
  readonly width: number;
}

/** Writes embeddings as an Arrow IPC file, atomically: `row: Uint32` and `embedding: FixedSizeList<Float32>`. */
export async function writeEmbeddings(path: string, { rows, values, width }: Embeddings): Promise<void> {
  const item = makeData({ type: new Float32(), length: values.length, data: values });
  const type = new FixedSizeList(width, new Field("item", item.type, false));
  const columns: Data[] = [
    makeData({ type: new Uint32(), length: rows.length, data: rows }),
    makeData({ type, length: rows.length, nullCount: 0, child: item }),
  ];
  const schema = new Schema([new Field("row", columns[0]!.type, false), new Field("embedding", type, false)]);
  const batch = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children: columns });
  await writeAtomic(path, tableToIPC(new Table(schema, new RecordBatch(schema, batch)), "file"));
}

/** Reads what `writeEmbeddings` wrote: views of the file's bytes. Throws one line that names the file. */
export async function readEmbeddings(path: string): Promise<Embeddings> {
  try {
    const table = tableFromIPC(await readFile(path));
    const [rows] = table.getChild("row")?.data ?? [];
    const [embeddings] = table.getChild("embedding")?.data ?? [];
    const values = embeddings?.children[0]?.values;
    const width = (embeddings?.type as FixedSizeList | undefined)?.listSize;
    const length = table.numRows;
    if (!(rows?.values instanceof Uint32Array && values instanceof Float32Array && width !== undefined)) {
      throw new Error("other columns");
    }
    if (values.length < length * width) throw new Error("it is cut short");
    return { rows: rows.values.subarray(0, length), values: values.subarray(0, length * width), width };
  } catch (error) {
    throw new Error(`${path}: expected an Arrow file of embeddings, ${reason(error)}`, { cause: error });
  }
}
