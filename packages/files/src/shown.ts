/** A value as errors show it: as JSON, on one line, without what moves a terminal's cursor, not too long. */
export function shown(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = "something too deep";
  }
  return printable(text ?? String(value));
}

/** Text of a file as errors may quote it. */
export function printable(text: string, longest = 200): string {
  const line = text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, "\ufffd");
  return line.length <= longest ? line : `${line.slice(0, longest)}…`;
}
