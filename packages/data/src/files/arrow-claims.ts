/**
 * Checks what an Arrow file of one record batch, as `writeArrow` writes them, claims of itself, before a library believes it:
 * that reads as many entries as a length says, and those of a damaged file may be thousands of millions. Throws where
 * something is no such file; places outside of it are a RangeError of the view.
 *
 * The layout: https://arrow.apache.org/docs/format/Columnar.html, Footer, Schema, Message and RecordBatch as FlatBuffers.
 */
export function checkClaims({ buffer, byteOffset, byteLength }: Uint8Array): void {
  const view = new DataView(buffer, byteOffset, byteLength);
  const magic = (at: number) => [..."ARROW1"].every((letter, i) => view.getUint8(at + i) === letter.charCodeAt(0));
  if (byteLength < 24 || !magic(0) || !magic(byteLength - 6)) throw new Error("other bytes at its start or end");
  const footer = rootAt(view, byteLength - 10 - view.getInt32(byteLength - 10, true));
  checkSchema(tableAt(footer, 1));
  lengthOf(footer, 4, MOST_ENTRIES);
  if (lengthOf(footer, 2, 1) !== 0 || lengthOf(footer, 3, 1) !== 1) throw new Error("more or less than one piece");
  const block = Number(view.getBigInt64(vectorAt(footer, 3) + 4, true));
  if (view.getInt32(block, true) !== CONTINUATION) throw new Error("something else where its rows should be");
  const message = rootAt(view, block + 8);
  lengthOf(message, 4, MOST_ENTRIES);
  const kind = fieldAt(message, 1);
  if (kind === 0 || view.getUint8(kind) !== RECORD_BATCH) throw new Error("something else where its rows should be");
  const batch = tableAt(message, 2);
  const nodes = lengthOf(batch, 1, MOST_ENTRIES);
  lengthOf(batch, 2, MOST_ENTRIES);
  lengthOf(batch, 4, MOST_ENTRIES);
  const lengths = Array.from({ length: nodes }, (_, i) => view.getBigInt64(vectorAt(batch, 1) + 4 + 16 * i, true));
  // A number that is 0 is left out. A value takes a bit at least.
  const rows = fieldAt(batch, 0) === 0 ? 0n : view.getBigInt64(fieldAt(batch, 0), true);
  const wrong = [...lengths, rows].find((n) => n < 0n || n > 8 * byteLength);
  if (wrong !== undefined) throw new Error(`a length of ${wrong}`);
}

const RECORD_BATCH = 3;
const CONTINUATION = -1;

/** Columns, parts of columns, buffers: ours have less than ten. */
const MOST_ENTRIES = 64;
const DEEPEST = 8;

/** A table of FlatBuffers: its values lie where its vtable says. */
interface Table {
  readonly view: DataView;
  readonly at: number;
}

function checkSchema(schema: Table): void {
  lengthOf(schema, 2, MOST_ENTRIES);
  const check = (parent: Table, n: number, depth: number): void => {
    if (depth > DEEPEST) throw new Error("columns within columns without end");
    for (let i = 0; i < lengthOf(parent, n, MOST_ENTRIES); i++) {
      const place = vectorAt(parent, n) + 4 + 4 * i;
      const field = { view: parent.view, at: place + parent.view.getUint32(place, true) };
      lengthOf(field, 6, MOST_ENTRIES);
      check(field, 5, depth + 1);
    }
  };
  check(schema, 1, 0);
}

const rootAt = (view: DataView, start: number): Table => ({ view, at: start + view.getUint32(start, true) });

/** Where the n-th value of a table stands; 0 where it is left out. */
function fieldAt({ view, at }: Table, n: number): number {
  const vtable = at - view.getInt32(at, true);
  const offset = 4 + 2 * n < view.getUint16(vtable, true) ? view.getUint16(vtable + 4 + 2 * n, true) : 0;
  return offset === 0 ? 0 : at + offset;
}

function vectorAt(table: Table, n: number): number {
  const place = fieldAt(table, n);
  return place + table.view.getUint32(place, true);
}

function tableAt(table: Table, n: number): Table {
  if (fieldAt(table, n) === 0) throw new Error("a part that is left out");
  return { view: table.view, at: vectorAt(table, n) };
}

/** Entries of the n-th value, a vector; 0 where it is left out. */
function lengthOf(table: Table, n: number, most: number): number {
  const length = fieldAt(table, n) === 0 ? 0 : table.view.getUint32(vectorAt(table, n), true);
  if (length > most) throw new Error(`${length} entries where there are at most ${most}`);
  return length;
}
