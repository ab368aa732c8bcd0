/**
 * The first regular expression in parts of a `tokenizer.json` whose time can grow exponentially with the text, as `(a+)+$`
 * does: a repeated group in which something repeats or has alternatives. No tokenizer of the supported families has one.
 */
export function backtracking(parts: readonly unknown[]): string | undefined {
  const left = [...parts];
  while (left.length > 0) {
    const part = left.pop();
    if (typeof part !== "object" || part === null) continue;
    if ("Regex" in part && typeof part.Regex === "string" && repeatsRepetition(part.Regex)) return part.Regex;
    for (const child of Object.values(part)) left.push(child);
  }
  return undefined;
}

const tokens =
  /\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?[:=!]|\?<[=!]|\?<\w+>)?|\)(?:[*+]|\{\d+,?\d*\})?|[*+]|\{\d+,?\d*\}|\||[^]/g;

function repeatsRepetition(source: string): boolean {
  // For each open group, whether something in it repeats or has alternatives.
  const groups = [false];
  for (const [token] of source.matchAll(tokens)) {
    if (token.startsWith("(")) groups.push(false);
    else if (token.startsWith(")") && groups.length > 1) {
      const varies = groups.pop()!;
      const repeated = token.length > 1;
      if (varies && repeated) return true;
      groups[groups.length - 1] ||= varies || repeated;
    } else if (/^[*+|{]/.test(token)) groups[groups.length - 1] = true;
  }
  return false;
}
