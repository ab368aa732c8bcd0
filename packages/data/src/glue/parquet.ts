import { crc32 } from "node:zlib";
import { readFile } from "node:fs/promises";
import { reason } from "@pruning-bias/files";
import { type FileMetaData, parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import type { GlueTable } from "./table.ts";

/** Reads a Parquet file; throws one line that names it where it is damaged, cut short, or claims more than GLUE has. */
export async function readParquet(path: string): Promise<GlueTable> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path);
    const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const metadata = parquetMetadata(file);
    checkColumns(metadata);
    checkClaims(metadata, file);
    const rows = await parquetReadObjects({ file, metadata });
    return {
      path,
      rows: rows.length,
      column: (name) =>
        rows.length > 0 && !Object.hasOwn(rows[0]!, name) ? undefined : rows.map((row) => row[name] as unknown),
      where: (row) => `${path}, row ${row}`,
    };
  } catch (error) {
    throw new Error(`${path}: expected a whole Parquet file, ${reason(error)}`, { cause: error });
  }
}

/** A column that the schema does not have, or has had already, is read and waited for by nobody: its error would end the process. */
function checkColumns(metadata: FileMetaData): void {
  const schema = parquetSchema(metadata);
  for (const { columns } of metadata.row_groups) {
    const paths = columns.map(({ meta_data }) => meta_data?.path_in_schema ?? []);
    for (const path of paths) {
      let node: typeof schema | undefined = schema;
      for (const name of path) node = node?.children.find(({ element }) => element.name === name);
      if (node === undefined || node.children.length > 0) throw new Error("a column that its schema does not have");
    }
    if (new Set(paths.map((path) => JSON.stringify(path))).size < paths.length) throw new Error("a column twice");
  }
}

// The largest split of GLUE has 400,000 rows and 80 MB.
const MOST_ROWS = 2e6;
const MOST_BYTES = 2 ** 29;

/** The reader allocates what headers claim: a few bytes could ask it for all memory, and an array too long ends the process. */
function checkClaims({ row_groups: groups, num_rows }: FileMetaData, file: ArrayBuffer): void {
  let bytes = 0;
  const rows = groups.reduce((sum, group) => sum + counted(group.num_rows, MOST_ROWS, "rows"), 0);
  if (rows > MOST_ROWS || Number(num_rows) !== rows) throw new Error(`${num_rows} rows, in parts of ${rows}`);
  for (const group of groups) {
    for (const { meta_data: column } of group.columns) {
      if (column === undefined) throw new Error("a column without a place");
      const { dictionary_page_offset: dictionary, data_page_offset: data } = column;
      const start = Number(dictionary !== undefined && dictionary < data && dictionary > 0n ? dictionary : data);
      const size = counted(column.total_compressed_size, file.byteLength - start, "bytes");
      const reader = { view: new DataView(file, start, size), offset: 0 };
      let values = 0;
      while (reader.offset < size - 1 && values < Number(group.num_rows)) {
        const page = parquetHeader(reader);
        const packed = counted(page.compressed_page_size, size - reader.offset, "bytes of a page");
        checkSum(page.crc, new Uint8Array(file, start + reader.offset, packed));
        reader.offset += packed;
        bytes += counted(page.uncompressed_page_size, MOST_BYTES, "unpacked bytes");
        if (bytes > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} unpacked bytes`);
        const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: words } = page;
        if (words !== undefined) counted(words.num_values, page.uncompressed_page_size, "words");
        values += counted((v1 ?? v2)?.num_values ?? 0, Number(group.num_rows) - values, "values");
        if (v2 !== undefined) {
          counted(v2.num_nulls, v2.num_values, "nulls");
          counted(
            v2.definition_levels_byte_length + v2.repetition_levels_byte_length,
            page.uncompressed_page_size,
            "bytes",
          );
        }
      }
    }
  }
}

/** Some writers put a CRC-32 of its bytes into a page's header; the reader does not look at it. */
function checkSum(expected: unknown, page: Uint8Array): void {
  if (typeof expected !== "number") return;
  const got = crc32(page);
  if (got !== expected >>> 0) throw new Error(`a page whose CRC-32 is ${hex(got)}, and not ${hex(expected >>> 0)}`);
}

const hex = (sum: number): string => sum.toString(16).padStart(8, "0");

function counted(value: number | bigint, most: number, what: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 0 && count <= most) return count;
  throw new Error(`${typeof value === "object" ? "no number of" : String(value)} ${what}`);
}
