import { readFile } from "node:fs/promises";
import { parquetReadObjects } from "hyparquet";
import { reason } from "../files/reason.ts";
import type { GlueTable } from "./table.ts";

/** Reads a Parquet file; throws one line that names it where it is damaged or cut short. */
export async function readParquet(path: string): Promise<GlueTable> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path);
    const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const rows = await parquetReadObjects({ file });
    return {
      path,
      rows: rows.length,
      column: (name) => (rows.length > 0 && !(name in rows[0]!) ? undefined : rows.map((row) => row[name] as unknown)),
      where: (row) => `${path}, row ${row}`,
    };
  } catch (error) {
    throw new Error(`${path}: expected a whole Parquet file, ${reason(error)}`, { cause: error });
  }
}
