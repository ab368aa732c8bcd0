import { describe, expect, it } from "vitest";
import type { PointResults } from "./results.ts";
import { resultsTex, tex } from "./results-tex.ts";

const point = (name: string): PointResults => ({
  ...{ name, steps: [], validations: [], glue: [] },
  bias: { protocol: "cls", tests: [{ test: "a", effectSize: 0.5, p: null, pKind: "none" }] },
});

describe("a text as LaTeX prints it", () => {
  it.each([
    ["[5cm]", "{[}5cm]"],
    ["*", "{*}"],
    ["{}$&%#_", "\\{\\}\\$\\&\\%\\#\\_"],
    ["~^<>", "\\textasciitilde{}\\textasciicircum{}\\textless{}\\textgreater{}"],
    ["\\input{x}", "\\textbackslash{}input\\{x\\}"],
    ["a\r\nb\u2028c\u0000", "a  b c "],
    ["layer=last, 0.5", "layer=last, 0.5"],
  ])("%j", (text, printed) => expect(tex(text)).toBe(printed));

  it("does not belong to the rule or the line break before its row", () => {
    const table = resultsTex({ sweep: "s", baseline: point("baseline"), points: [point("[9cm]"), point("*x")] });
    expect(table).toContain("\\midrule\n{[}9cm] & $0.50$ \\\\\n{*}x & $0.50$ \\\\\n\\bottomrule");
  });

  it("stays in the comment that names the sweep", () => {
    const table = resultsTex({ sweep: "s\n\\input{x}", baseline: point("baseline"), points: [] });
    expect(table.split("\n")[0]).toMatch(/^% s \\textbackslash\{\}input\\\{x\\\}: needs /);
  });
});
