import { UsageError } from "../usage-error.ts";

/** `key=value`, as it was typed. */
export interface Override {
  readonly key: string;
  readonly text: string;
}

export function parseOverride(argument: string): Override {
  const at = argument.indexOf("=");
  const key = argument.slice(0, at).replace(/^\++/, "").trim();
  if (at < 1 || key === "") throw new UsageError(`${argument}: expected key=value, got no key`);
  return { key, text: argument.slice(at + 1).trim() };
}

/** The values of a comma list; commas inside quotes, brackets and braces do not count. */
export function splitValues(text: string): string[] {
  const values: string[] = [];
  let [depth, quote, start] = [0, "", 0];
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === "'" || character === '"') quote = character;
    else if ("[{(".includes(character)) depth++;
    else if ("]})".includes(character)) depth--;
    else if (character === "," && depth === 0) {
      values.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...values, text.slice(start)].map((value) => value.trim());
}

/** A value as YAML would read it: numbers, truths, null, quoted texts, JSON lists and objects, else the text. */
export function parseValue(text: string): unknown {
  if (/^(true|True)$/.test(text)) return true;
  if (/^(false|False)$/.test(text)) return false;
  if (/^(null|None|~)$/.test(text)) return null;
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text);
  const quoted = /^(['"])(.*)\1$/.exec(text);
  if (quoted) return quoted[2];
  if (/^[[{]/.test(text)) {
    // No setting is a list of lists of lists; what is deeper would exhaust the stack of whoever walks it.
    if (depthOf(text) > DEEPEST)
      throw new UsageError(`${text.slice(0, 40)}: expected at most ${DEEPEST} brackets within each other, got more`);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  return text;
}

const DEEPEST = 20;

function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const bracket of text.match(/[[\]{}]/g) ?? []) {
    depth += bracket === "[" || bracket === "{" ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
