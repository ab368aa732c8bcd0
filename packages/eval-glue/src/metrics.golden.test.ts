import { readFileSync } from "node:fs";
import type { GlueTask } from "@pruning-bias/data";
import { describeGolden } from "@pruning-bias/oracle";
import { expect, it } from "vitest";
import { argmax, metrics } from "./index.ts";

type Stored = number | "NaN" | "Infinity" | "-Infinity";

interface Case {
  task: GlueTask;
  name: string;
  predictions: Stored[];
  references: Stored[];
  error?: string;
  pearson_float64?: Stored;
  [metric: string]: unknown;
}

describeGolden("GLUE metrics of the original", "glue_metrics.json", (path) => {
  const fixture = JSON.parse(readFileSync(path, "utf8")) as {
    cases: Case[];
    argmax: { logits: number[][]; argmax: number[]; nan_logits: Stored[][]; nan_argmax: number[] };
  };

  const good = fixture.cases.filter(({ error }) => error === undefined);
  const bad = fixture.cases.filter(({ error }) => error !== undefined);

  it.each(good)("$task: $name", ({ task, predictions, references, ...expected }) => {
    const actual = metrics(task, predictions.map(Number), references.map(Number));
    // The original sums Pearson in single precision, and the mean has it as a part.
    const digits = (metric: string) => (task === "stsb" && metric !== "spearmanr" ? 5 : 12);
    const names = metricNames.filter((metric) => metric in expected);
    const wanted = names.map((metric) => [metric, near(expected[metric] as Stored, digits(metric))]);
    expect(actual).toEqual(Object.fromEntries(wanted));
    expect(actual["pearson"]).toEqual(near(expected.pearson_float64, 10));
  });

  it.each(bad)("$task: an error for $name", ({ task, predictions, references }) => {
    expect(() => metrics(task, predictions.map(Number), references.map(Number))).toThrow(/expected two or more pairs/);
  });

  it("takes the first of equal logits as the class, and NaN before all", () => {
    expect(fixture.argmax.logits.map(argmax)).toEqual(fixture.argmax.argmax);
    expect(fixture.argmax.nan_logits.map((row) => argmax(row.map(Number)))).toEqual(fixture.argmax.nan_argmax);
  });
});

const metricNames = ["accuracy", "f1", "matthews_correlation", "pearson", "spearmanr", "combined_score"];

function near(expected: Stored | undefined, digits: number): unknown {
  if (expected === undefined || expected === "NaN") return expected === "NaN" ? NaN : undefined;
  return expect.closeTo(Number(expected), digits);
}
