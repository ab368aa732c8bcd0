/** A cell: numbers stay numbers, texts are guarded, `undefined` and `null` are empty. */
export type Cell = string | number | null | undefined;

/**
 * Rows as CSV (RFC 4180), the first one the header.
 *
 * A text that a spreadsheet would run as a formula (leading = + - @, tab or carriage return) gets an apostrophe before it.
 */
export const csv = (rows: readonly (readonly Cell[])[]): string =>
  rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

function cell(value: Cell): string {
  if (value === undefined || value === null) return "";
  // Ten digits say all that a float32 holds, without the tails of binary fractions.
  if (typeof value === "number") return String(Number(value.toPrecision(10)));
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
