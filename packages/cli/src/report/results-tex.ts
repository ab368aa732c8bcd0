import { density, glueMetrics, glueOf, modelOf, testOf, testsOf, untouchedModels } from "./compare.ts";
import type { PointResults, SweepResults } from "./results.ts";

/** A table for a paper (booktabs): SEAT effects, starred where p < .05, tests of masked language models, GLUE, what stays open. */
export function resultsTex(sweep: SweepResults): string {
  const tests = testsOf(sweep);
  const glue = glueMetrics(sweep);
  const models = untouchedModels(sweep);
  const all = [...models, ...sweep.points];
  const columns: Column[] = [
    ...tests.map((test): Column => ({ title: tex(test), cell: (point) => effect(point, test) })),
    { title: "StereoSet SS", cell: ({ bias }) => number(bias?.stereoset?.rates["overall"]?.ss, 1) },
    { title: "CrowS", cell: ({ bias }) => number(bias?.crows?.metric, 1) },
    ...glue.map((column): Column => ({
      title: tex(`${column.task} ${column.metric}`),
      cell: (point) => number(glueOf(point, column)?.value, 3),
    })),
    { title: "density", cell: (point) => number(density(point), 2) },
    { title: "heads", cell: ({ masks }) => (masks === undefined ? "" : `${masks.headsOpen}/${masks.headsTotal}`) },
  ];
  const used = columns.filter(({ cell }) => all.some((point) => cell(point) !== ""));
  const title = (point: PointResults) => {
    if (!models.includes(point)) return tex(point.name);
    return models.length === 1 ? "untouched" : tex(`untouched ${modelOf(sweep, point) ?? ""}`.trim());
  };
  const row = (point: PointResults) =>
    `${[title(point), ...used.map(({ cell }) => cell(point) || "--")].join(" & ")} \\\\`;
  return `${[
    `% ${tex(sweep.sweep)}: needs \\usepackage{booktabs}. Starred: p < .05 (${tex(sweep.baseline.bias?.protocol ?? "SEAT")} embeddings).`,
    `\\begin{tabular}{l${"r".repeat(used.length)}}`,
    "\\toprule",
    `${["", ...used.map(({ title }) => title)].join(" & ")} \\\\`,
    "\\midrule",
    ...models.map(row),
    "\\midrule",
    ...sweep.points.map(row),
    "\\bottomrule",
    "\\end{tabular}",
  ].join("\n")}\n`;
}

interface Column {
  readonly title: string;
  readonly cell: (point: PointResults) => string;
}

function effect(point: PointResults, test: string): string {
  const result = testOf(point, test);
  if (result === undefined) return "";
  const star = result.p !== null && result.p < 0.05 ? "^{*}" : "";
  return Number.isFinite(result.effectSize) ? `$${result.effectSize.toFixed(2)}${star}$` : "NaN";
}

const number = (value: number | undefined, digits: number): string =>
  value === undefined ? "" : Number.isFinite(value) ? `$${value.toFixed(digits)}$` : "NaN";

const special: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  // At a row's start they would belong to the line break before it.
  "[": "{[}",
  "*": "{*}",
};

/** A text as LaTeX prints it: nothing in it is a command, and it stays on its line. */
export const tex = (text: string): string =>
  text
    .replaceAll(/[\\~^<>&%$#_{}[*]/g, (character) => special[character] ?? `\\${character}`)
    .replaceAll(/[\p{Cc}\u2028\u2029]/gu, " ");
