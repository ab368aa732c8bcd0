// Plots of a sweep, cell by cell as in a notebook: node main.ts [RUNS/SWEEP] [FOLDER FOR THE PLOTS]
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

const [sweep = join(import.meta.dirname, "../../runs/demo"), plots = join(sweep, "plots")] = process.argv.slice(2);
const csv = join(sweep, "results.csv");
if (!existsSync(csv)) {
  console.error(`${csv}: expected the results of a sweep, found none; npm run sweep makes those of the demo`);
  process.exit(2);
}

// %% A row for each point, the untouched model (`baseline`) first. Numbers are numbers, what was not run is empty.
type Row = Readonly<Record<string, string | number>>;
const rows = parse(readFileSync(csv), {
  columns: true,
  cast: (text) => (text === "" ? text : orNumber(text)),
}) as Row[];
const columns = Object.keys(rows[0] ?? {});
console.log(`${rows.length} rows of ${columns.length} columns`);

// %% How far each test has moved from the untouched model's.
const effects = rows.flatMap((row) =>
  columns.flatMap((column) => {
    const [, test] = /^seat\.(.*)\.effect$/.exec(column) ?? [];
    return test === undefined || row[column] === "" ? [] : [{ point: row["point"], test, effect: row[column] }];
  }),
);
await plot("effects", {
  data: { values: effects },
  mark: { type: "point", filled: true },
  encoding: {
    x: { field: "effect", type: "quantitative", title: "SEAT effect size" },
    y: { field: "point", type: "nominal", title: null, sort: null },
    color: { field: "test", type: "nominal" },
  },
});

// %% What bias costs: the mean of |effect| over the price, masked-LM loss where it is known, else L_keep.
const known = rows.every((row) => typeof row["probe.masked_lm_loss"] === "number");
const price = known ? "probe.masked_lm_loss" : "validation.lossKeep.end";
const tradeOff = rows.flatMap((row) => {
  const own = effects.filter(({ point }) => point === row["point"]).map(({ effect }) => Math.abs(Number(effect)));
  const bias = own.reduce((sum, effect) => sum + effect, 0) / own.length;
  // The untouched model has moved nothing.
  const paid = row[price] === "" && row["point"] === "baseline" ? 0 : row[price];
  return own.length === 0 || typeof paid !== "number" ? [] : [{ point: row["point"], bias, price: paid }];
});
await plot("trade-off", {
  data: { values: tradeOff },
  encoding: {
    x: { field: "price", type: "quantitative", title: price, scale: { zero: false } },
    y: { field: "bias", type: "quantitative", title: "mean |SEAT effect|" },
  },
  layer: [{ mark: "point" }, { mark: { type: "text", dy: -8, fontSize: 8 }, encoding: { text: { field: "point" } } }],
});

// %% How each run went: metrics.jsonl has a row for each step and validation; these are the validations.
const validations = rows.flatMap(({ point }) => {
  const file = join(sweep, String(point), "metrics.jsonl");
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  const events = lines.map((line) => JSON.parse(line) as { kind: string; step: number; lossDebias: number });
  return events.flatMap(({ kind, step, lossDebias }) => (kind === "validation" ? [{ point, step, lossDebias }] : []));
});
await plot("losses", {
  data: { values: validations },
  mark: "line",
  encoding: {
    x: { field: "step", type: "quantitative" },
    y: { field: "lossDebias", type: "quantitative", title: "debiasing loss in validation" },
    color: { field: "point", type: "nominal" },
  },
});

/** Draws a specification as SVG, without a browser. */
async function plot(name: string, spec: TopLevelSpec): Promise<void> {
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
  const file = join(plots, `${name}.svg`);
  await mkdir(plots, { recursive: true });
  await writeFile(file, await view.toSVG());
  view.finalize();
  console.log(`${name}.svg: ${(spec as { data: { values: unknown[] } }).data.values.length} values`);
}

function orNumber(text: string): string | number {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text) ? Number(text) : text;
}
