import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSweep } from "./read.ts";
import { report } from "./report.ts";
import { writeReport } from "./write.ts";

let runs = "";
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), "pruning-bias-report-"));
});
afterEach(() => rmSync(runs, { recursive: true, force: true }));

const heads = "layer=last,<i>heads";
const blocks = "=blocks";
const all = ["baseline", heads, blocks, "unborn"];

describe("GLUE runs", () => {
  const run = (seed: number, accuracy: number) => ({
    ...{ task: "toy", seed, metrics: { accuracy }, majority: {}, epochs: 1, seconds: 1 },
  });
  const asked = new Map(["baseline", "a"].map((name) => [name, [42, 43].map((seed) => ({ task: "toy", seed }))]));
  const seedsOf = async (own?: typeof asked) => {
    const { baseline, points } = await readSweep(runs, "demo", ["a"], own);
    return [baseline, ...points].map(({ glue }) => glue.map(({ seed, metrics }) => [seed, metrics["accuracy"]]));
  };

  it("are those that a sweep asks for, each once, under their names of now or of earlier versions", async () => {
    write({
      "baseline/glue/toy.json": run(42, 0.9),
      "a/glue/toy.json": run(42, 0.1),
      "a/glue/toy-42.json": run(42, 0.8),
      "a/glue/toy-43.json": run(43, 0.7),
      "a/glue/toy-44.json": run(44, 0.6),
    });
    expect(await seedsOf(asked)).toEqual([
      [[42, 0.9]],
      [
        [42, 0.8],
        [43, 0.7],
      ],
    ]);
    expect((await seedsOf())[1]).toEqual([
      [42, 0.8],
      [43, 0.7],
      [44, 0.6],
    ]);
  });
});

describe("a sweep of three points", () => {
  beforeEach(threePoints);

  it("is told in words that follow from its numbers", async () => {
    const text = words(await page());
    expect(text).toContain(
      "Bias fell in 1 of 2 measured points, most in layer=last,<i>heads : mean |effect| of 2 tests 0.90 → 0.35 (−61 %).",
    );
    expect(text).toContain(
      "The price: masked-LM loss 0.880 → 1.84; L keep 0 → 1.50; toy accuracy 0.940 → 0.500, no better than the commonest answer; 3 of 8 blocks and 2 of 4 heads closed.",
    );
    expect(text).toContain("Some tests rose : science, in 1 of 2 measured points.");
    expect(text).toContain(
      "fell : career 1.40 → −0.40 (−71 %), science 0.40 → 0.30 (−25 %); now the other way round: career; p < .05 in 0 of 1 (was 1).",
    );
    expect(text).toContain("rose : science 0.40 → 0.95 (+0.55); about the same : career");
    expect(text).toContain("Bias not run: unborn .");
    expect(text).toContain(
      "A tenth of the trained scores or more lie within .1 of the threshold in layer=last,<i>heads :",
    );
  });

  it("has every number in its table, the untouched model first", async () => {
    const table = (await page()).match(/<table class="points"[\s\S]*?<\/table>/)![0];
    const rows = [...table.matchAll(/<tr[\s\S]*?<\/tr>/g)].slice(2).map(([row]) => words(row));
    expect(rows[0]).toBe("0 baseline untouched model 1.40 p .004 0.40 no p 0.80 / −0.70 0.880 0.940 – – – – – – – – –");
    expect(rows[1]).toBe(
      "1 layer=last,<i>heads −0.40 p .300 ▼ −1.00 0.30 no p ▼ −0.10 0.30 / −0.20 ▼ −0.50 1.84 +0.96 0.500 −0.440 " +
        "6.00 from 30.0 1.50 from 0 2.40 from 6.00 5 of 8 0.63 1 of 4 2 of 4 40 14 s 5721 tokens/s",
    );
    expect(rows[3]).toMatch(/^3 unborn( not run){14}$/);
  });

  it("needs nothing beside itself", async () => {
    const html = await page();
    expect(html.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/<link|<img|src=|url\(|@import|https?:/);
    expect(html).toMatch(/default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-/);
    expect(html).not.toContain("<i>");
    expect(html).toContain("prefers-color-scheme: dark");
    for (const [svg] of html.matchAll(/<svg[^>]*>/g)) expect(svg).toMatch(/aria-label="[^"]+"|aria-hidden="true"/);
    for (const [table] of html.matchAll(/<table[\s\S]*?<\/table>/g)) expect(table).toMatch(/<caption[^>]*>\s*\S/);
  });

  it("draws curves and heads, and says them to those who do not see", async () => {
    const html = await page();
    expect(html).toContain("debiasing loss from 30.0 at step 0 to 6.00 at step 40");
    expect(html).toContain("career from 1.40 at step 0 to −0.400 at step 40");
    expect(html).toContain("layer 0: closed 1, undecided 0; layer 1: closed 0, undecided none.");
    expect(words(html)).toContain("Open blocks, % of each matrix, by layer of layer=last,<i>heads layer V 0 50 1 75");
    expect(words(html)).toContain("Training loss, mean of the first and the last step: 11.8 → 11.7 (×0.99).");
    expect(html.length).toBeLessThan(100_000);
  });

  it("tells which heads bias hangs on, and which alone do what the mask does", async () => {
    const effects = (career: number) => ({ career, science: 0.4 });
    const heads = [0, 1].map((head) => ({ layer: 0, head, effects: effects(head === 0 ? 0.6 : 1.5) }));
    const where = { protocol: "cls", open: effects(1.4), heads, goal: { effects: effects(-0.4), enough: 0.1 } };
    const set = { heads: [{ layer: 0, head: 0 }], effects: effects(0.6), distance: 1 };
    write({
      [`${blocks}/where.json`]: { ...where, goal: { ...where.goal, closed: [] }, sets: [set] },
      "baseline/where.json": { ...where, goal: { effects: effects(0), enough: 0.1 }, sets: [] },
    });
    const html = await page();
    expect(html).toContain("the strongest: layer 0 head 0 −0.40; layer 0 head 1 +0.05.");
    expect(words(html)).toContain("The best set, of 1 head, is still 1.00 away from the mask’s effects.");
    expect(words(html)).toContain(
      "heads closed career science away none 1.40 0.40 1.80 the mask: 0 closed −0.40 0.40 0.0 0.60 0.40 1.00",
    );
    expect(words(html)).toContain("Closing no single head comes nearer to no effect.");
    const { csv } = await report(await readSweep(runs, "demo", all));
    expect(csv.split("\r\n")[0]).toMatch(/where\.heads,where\.distance,steps/);
  });

  it("shows in what the points differ, what they share, and how to run them again", async () => {
    const text = words(await page());
    expect(text).toContain(
      "Settings in which the points differ # point model.embedding_layer 1 layer=last,<i>heads last",
    );
    expect(text).toContain("pnpm pruning-bias train experiment=debias model.embedding_layer=all");
    expect(text).toContain("not run: settings unknown");
    expect(text).not.toContain("sesame");
  });

  it("is a table for spreadsheets too", async () => {
    const { csv } = await report(await readSweep(runs, "demo", all));
    const [header, baseline, first, second, third] = csv.split("\r\n");
    expect(header).toMatch(/^sweep,point,model\.embedding_layer,seat\.protocol,seat\.career\.effect,seat\.career\.p,/);
    expect(baseline).toMatch(/^demo,baseline,,cls,1\.4,0\.004,exact,0,0\.4,,none,0,,,,,0\.8,-0\.7,0\.88,0\.94,,0\.5,,/);
    expect(first).toMatch(/^demo,"layer=last,<i>heads",last,cls,-0\.4,0\.3,exact,-1,/);
    expect(second).toMatch(/^demo,'=blocks,all,cls,/);
    expect(third).toMatch(/^demo,unborn,+$/);
    expect(header).toMatch(/,trade_off\.bias,trade_off\.glue,trade_off\.front$/);
    // Less biased than the untouched model, and less capable: both are on the front. The other has no score.
    const places = [baseline, first, second].map((row) => row!.split(",").slice(-3));
    expect(places).toEqual([
      ["0.9", "0.94", "1"],
      ["0.35", "0.5", "1"],
      ["1.185", "", ""],
    ]);
  });

  it("is a table for papers too, in which nothing of a name is a command", async () => {
    const { tex } = await report(await readSweep(runs, "demo", all));
    expect(tex).toContain("\\begin{tabular}{lrrrrr}\n\\toprule\n & career & science & toy accuracy & density & heads");
    expect(tex).toContain("untouched & $1.40^{*}$ & $0.40$ & $0.940$ & -- & -- \\\\");
    expect(tex).toContain("layer=last,\\textless{}i\\textgreater{}heads & $-0.40$");
  });

  it("is written whole beside its points, the same bytes each time", async () => {
    const paths = await writeReport(runs, "demo", all);
    const first = readFileSync(paths.html, "utf8");
    await writeReport(runs, "demo", all);
    expect(readFileSync(paths.html, "utf8")).toBe(first);
    expect(readdirSync(join(runs, "demo")).toSorted()).toEqual(
      [blocks, "baseline", heads, "report.html", "report.sha256", "results.csv", "results.tex"].toSorted(),
    );
  });
});

describe("what is missing or fell short is said", () => {
  const untouched = { "baseline/bias.json": bias({ career: 1 }) };
  it.each([
    ["The untouched model has not been measured, so nothing can be said", {}],
    ["No point has been measured yet", untouched],
    ["Nothing fell: in none of 1 measured point", { ...untouched, "a/bias.json": bias({ career: -0.98 }) }],
    [
      "Bias did not fall on the whole: single tests did",
      { "baseline/bias.json": bias({ x: 1, y: 1 }), "a/bias.json": bias({ x: 0.5, y: 1.6 }) },
    ],
    [
      "Embedded otherwise than the untouched model (cls), hence not compared: a",
      { ...untouched, "a/bias.json": bias({ career: 0.1 }, "mean") },
    ],
    ["cannot be compared : career", { ...untouched, "a/bias.json": bias({ career: "NaN" }) }],
    ["What it cost was not measured.", { ...untouched, "a/bias.json": bias({ career: 0.1 }) }],
    ["Nothing is pruned in a", { "a/config.json": { experiment: "debias", pruning: null } }],
    [
      "start from 2 different models (x, y)",
      { "a/config.json": { model: { model_name: "x" } }, "b/config.json": { model: { model_name: "y" } } },
    ],
  ])("%s", async (sentence, files) => {
    write(files);
    expect(words((await report(await readSweep(runs, "demo", ["a", "b"]))).html)).toContain(sentence);
  });
});

describe("points that start from several models", () => {
  const beside = new Map([
    ["a", "baseline"],
    ["b", "baseline-2"],
  ]);
  const files = {
    "a/config.json": { model: { model_name: "x" } },
    "a/bias.json": bias({ career: 0.5 }),
    "b/config.json": { model: { model_name: "y", hf_checkpoint: "runs/classifiers/y" } },
    "b/bias.json": bias({ career: 0.5 }),
    "baseline/bias.json": bias({ career: 1 }),
  };
  const drawn = async (more: Record<string, unknown>) => {
    write({ ...files, ...more });
    const sweep = await readSweep(runs, "demo", ["a", "b"], undefined, beside);
    const { html, csv, tex } = await report(sweep);
    return { text: words(html), csv: csv.split("\r\n"), tex, html };
  };

  it("say how their own one was embedded, also where the first was not measured", async () => {
    const { "baseline/bias.json": _, ...others } = files;
    write({ ...others, "baseline-2/bias.json": bias({ career: 0.2 }), "b/bias.json": bias({ career: 0.5 }, "mean") });
    const { html } = await report(await readSweep(runs, "demo", ["a", "b"], undefined, beside));
    expect(words(html)).toContain("Embedded otherwise than the untouched model (cls), hence not compared: b");
  });

  it("are set beside their own, each of them in tables", async () => {
    const toy = { task: "toy", seed: 1, epochs: 1, seconds: 1 };
    const scored = ["a", "b", "baseline", "baseline-2"].map((name, n) => {
      return [`${name}/glue/toy.json`, { ...toy, metrics: { accuracy: 0.9 - n / 10 } }] as const;
    });
    const { text, csv, tex, html } = await drawn({
      "baseline-2/bias.json": bias({ career: 0.2 }),
      ...Object.fromEntries(scored),
    });
    expect(text).toContain("numbers as in the table, 0.1, 0.2, … untouched models.");
    expect(html.match(/<path [^>]*fill="var\(--muted\)"/g), "two in each picture").toHaveLength(4);
    expect(text).toContain("Bias fell in 1 of 2 points, most in a");
    expect(text).toContain("fell : career 1.00 → 0.50 (−50 %)");
    expect(text).toContain("rose : career 0.20 → 0.50 (+0.30)");
    expect(text).toContain("2 points beside 2 untouched models");
    expect(text).not.toContain("there is one baseline");
    expect(html.match(/<tr class="baseline">/g)).toHaveLength(2);
    expect(text).toContain("0.2 baseline untouched runs/classifiers/y");
    expect(csv.slice(1, 5).map((row) => row.split(",")[1])).toEqual(["baseline", "baseline-2", "a", "b"]);
    expect(tex).toContain("untouched x & $1.00");
    expect(tex).toContain("untouched runs/classifiers/y & $0.20");
  });

  it("are not compared with another's", async () => {
    const { text } = await drawn({});
    expect(text).toContain("Bias fell in 1 of 1 measured point");
    expect(text).toContain("Not measured before training, hence not compared: what starts from runs/classifiers/y.");
    expect(text).toContain("not comparable");
  });
});

it("results of older code are read: what is gone is shown as it was, what is new is not run", async () => {
  write({
    "baseline/bias.json": {
      protocol: "cls",
      tests: [{ test: "career", effectSize: 1, p: null, pKind: "none", gone: 1 }],
    },
    "a/config.json": { experiment: "gone_preset", gone: { key: [1, 2] }, seed: 1 },
    "a/metrics.jsonl":
      '{"kind":"gone"}\n{"kind":"validation","step":4,"loss":1,"lossDebias":2,"lossKeep":0.5,"gone":[]}\n',
    "a/masks.json": {
      ...{ threshold: 0.1, heads: [[1]], headsOpen: 1, headsTotal: 1, undecided: 0, scores: 1 },
      modules: [{ name: "encoder.layer.0.attention.self.value", layer: 0, open: 1, total: 2 }],
    },
    "a/bias.json": bias({ career: 0.5 }),
  });
  const text = words((await report(await readSweep(runs, "demo", ["a"]))).html);
  expect(text).toContain("fell : career 1.00 → 0.50 (−50 %)");
  expect(text).toContain("pnpm pruning-bias train experiment=gone_preset 'gone.key=[1,2]' seed=1");
});

describe("a file that holds something else is named in one line", () => {
  it.each([
    ["a/bias.json", '{"protocol": "cls", "tests": [{"test": "x"', /a\/bias\.json: expected JSON, got \{"protocol.*$/],
    ["a/bias.json", "", /a\/bias\.json: expected JSON, got nothing$/],
    ["a/bias.json", bias({ career: "much" }), /a\/bias\.json: tests\.0\.effectSize: expected number, received string$/],
    [
      "a/metrics.jsonl",
      '{"kind":"step","step":1,"loss":1}\n{"kind":',
      /a\/metrics\.jsonl: line 2: expected JSON, got \{"kind":$/,
    ],
    ["a/metrics.jsonl", "3", /a\/metrics\.jsonl: line 1: expected a row with a kind, got 3$/],
    ["a/masks.json", { threshold: 0.1 }, /a\/masks\.json: modules: expected array, received undefined$/],
    ["a/glue/toy.json", [], /a\/glue\/toy\.json: expected object, received array$/],
  ])("%s, case %#", async (path, content, message) => {
    write({ [path]: content });
    await expect(readSweep(runs, "demo", ["a"])).rejects.toThrow(message);
  });

  it("and so is a point that is no folder's name", async () => {
    await expect(readSweep(runs, "demo", ["../a"])).rejects.toThrow('report: expected a folder\'s name, got "../a"');
  });
});

const page = async () => (await report(await readSweep(runs, "demo", all))).html;

/** What a reader sees of a page. */
const words = (html: string) =>
  html
    .replaceAll(/<(style|script)\b[\s\S]*?<\/\1>/g, "")
    .replaceAll(/<\/?(wbr|b|sub|a)\b[^>]*>/g, (tag) => (/^<\/?(b|sub)\b/.test(tag) ? " " : ""))
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll("&lt;", "<")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/ (?=[:,.;](?: |$))/g, (space) => space)
    .trim();

function bias(effects: Record<string, number | string>, protocol = "cls", p: Record<string, number> = {}) {
  const tests = Object.entries(effects).map(([test, effectSize]) => ({
    ...{ test, effectSize, p: p[test] ?? null, pKind: test in p ? "exact" : "none" },
    sizes: { X: 8, Y: 8, A: 8, B: 8 },
  }));
  return { protocol, threshold: 0.1, tests };
}

function write(files: Record<string, unknown>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(runs, "demo", path)), { recursive: true });
    writeFileSync(join(runs, "demo", path), typeof content === "string" ? content : JSON.stringify(content));
  }
}

function threePoints(): void {
  const glue = (accuracy: number) => ({
    ...{ task: "toy", seed: 42, metrics: { accuracy }, majority: { accuracy: 0.5 }, epochs: 2, seconds: 6 },
  });
  const metrics = (debias: number, keep: number, career: number) =>
    [
      {
        kind: "validation",
        step: 0,
        epoch: 0,
        loss: 6,
        lossDebias: 30,
        lossKeep: 0,
        seat: { career: 1.4, science: 0.4 },
        open: 8,
        undecided: 0,
      },
      { kind: "step", step: 1, totalSteps: 40, epoch: 0, loss: 11.8 },
      { kind: "epoch", epoch: 0 },
      { kind: "step", step: 40, totalSteps: 40, epoch: 0, loss: 11.7 },
      {
        kind: "validation",
        step: 40,
        epoch: 0,
        loss: 0.2 * debias + 0.8 * keep,
        lossDebias: debias,
        lossKeep: keep,
        seat: { career, science: "NaN" },
        open: 5,
        undecided: 1,
      },
    ]
      .map((row) => JSON.stringify(row))
      .join("\n");
  const value = (layer: number, open: number) => ({
    name: `encoder.layer.${layer}.attention.self.value`,
    layer,
    open,
    total: 4,
  });
  const config = (layer: string) => ({
    experiment: "debias",
    exp_name: `distilbert-base-uncased/${layer}-layer/sentence-debias`,
    model: { embedding_layer: layer },
    hub: { token: "sesame" },
  });
  write({
    "baseline/bias.json": {
      ...bias({ career: 1.4, science: 0.4 }, "cls", { career: 0.004 }),
      probe: { gapMale: 0.8, gapFemale: -0.7, maskedLmLoss: 0.88 },
    },
    "baseline/glue/toy.json": glue(0.94),
    [`${heads}/config.json`]: config("last"),
    [`${heads}/metrics.jsonl`]: `${metrics(6, 1.5, -0.4)}\n`,
    [`${heads}/masks.json`]: {
      ...{
        threshold: 0.1,
        modules: [value(0, 2), value(1, 3)],
        heads: [
          [0.5, 0],
          [0, 1],
        ],
      },
      ...{ headsOpen: 2, headsTotal: 4, undecided: 1, scores: 4 },
    },
    [`${heads}/bias.json`]: {
      ...bias({ career: -0.4, science: 0.3 }, "cls", { career: 0.3 }),
      probe: { gapMale: 0.3, gapFemale: -0.2, maskedLmLoss: 1.84 },
    },
    [`${heads}/glue/toy.json`]: glue(0.5),
    [`${heads}/summary.json`]: { steps: 40, seconds: 14.2, tokens: 81_234, tokensPerSecond: 5721.4 },
    [`${blocks}/config.json`]: config("all"),
    [`${blocks}/metrics.jsonl`]: metrics(3, 2, 1.42),
    [`${blocks}/bias.json`]: bias({ career: 1.42, science: 0.95 }),
  });
}
