/** A table in Markdown. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

/** A text in a cell of one. */
export const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
