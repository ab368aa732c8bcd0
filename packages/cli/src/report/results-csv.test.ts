import { expect, test } from "vitest";
import type { PointResults } from "./results.ts";
import { resultsCsv } from "./results-csv.ts";

const formula = '=HYPERLINK("x")';
const point = (name: string, config: Record<string, unknown>): PointResults => ({
  ...{ name, config, steps: [], validations: [], glue: [] },
  bias: { protocol: "@cls", tests: [{ test: "+a", effectSize: -0.5, p: 0.01, pKind: "-exact" }] },
});

test("no cell of a sweep's table is run by a spreadsheet, and numbers stay numbers", () => {
  const points = [point("+one", { note: formula, rate: -0.5 }), point("@two", { note: "-x", rate: "-2e-5" })];
  const rows = resultsCsv({ sweep: "=s", baseline: point("-", {}), points }).split("\r\n");
  expect(rows[0]).toMatch(/^sweep,point,note,rate,seat\.protocol,seat\.\+a\.effect,/);
  expect(rows[1]).toMatch(/^'=s,'-,,,'@cls,-0\.5,0\.01,'-exact,/);
  expect(rows[2]).toMatch(/^'=s,'\+one,"'=HYPERLINK\(""x""\)",-0\.5,'@cls,/);
  expect(rows[3]).toMatch(/^'=s,'@two,'-x,-0\.00002,'@cls,/);
});

test("names of settings are guarded too", () => {
  const points = [point("a", { "=b": 1 }), point("c", { "=b": 2 })];
  expect(resultsCsv({ sweep: "s", baseline: point("d", {}), points })).toMatch(/^sweep,point,'=b,seat/);
});
