/**
 * Characters that Python's `regex` module takes for `\s`, as the inside of a character class.
 * JavaScript's `\s` lacks U+0085 and has U+FEFF instead.
 */
export const pythonSpace = String.raw`\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;

/** Python's `str.strip()`: its blanks are those of `\s` and the four separators U+001C to U+001F. */
export function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const blank = new RegExp(String.raw`[\x1c-\x1f${pythonSpace}]`, "u");

function isBlank(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 9 && unit <= 13) || (unit >= 0x1c && unit <= 0x1f);
  return blank.test(String.fromCharCode(unit));
}
