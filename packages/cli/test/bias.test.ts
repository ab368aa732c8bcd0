import { existsSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe as group, beforeAll, expect, it } from "vitest";
import { parse } from "csv-parse/sync";
import { initWeights, loadCheckpoint, saveCheckpoint } from "@pruning-bias/model";
import { initialScores, parsePruningSettings, scoreLayout, writeScores } from "@pruning-bias/pruning";
import { ndarray } from "@pruning-bias/runtime";
import type { BiasReport } from "../src/commands/bias.ts";
import { appendRows, checkHeader } from "../src/bias/append.ts";
import { biasHeader } from "../src/bias/row.ts";
import { run } from "./command-line.ts";
import { smallModel, temporary } from "./small-model.ts";

let small: Awaited<ReturnType<typeof smallModel>>;
let files: string[];
beforeAll(async () => {
  small = await smallModel();
  const dir = await temporary();
  const file = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  const crows = await file(
    "crows.csv",
    ",sent_more,sent_less,stereo_antistereo,bias_type\n0,The man trained as a doctor.,The woman trained as a doctor.,stereo,gender\n" +
      "1,The old man worked.,The young man worked.,antistereo,age\n",
  );
  const stereoset = await file(
    "stereoset.json",
    JSON.stringify([
      {
        ...{ id: "1", target: "man", bias_type: "gender", context: "The man worked as a BLANK." },
        data: {
          stereotype: { id: "s", sentence: "The man worked as a doctor." },
          "anti-stereotype": { id: "a", sentence: "The man worked as a nurse." },
          unrelated: { id: "u", sentence: "The man worked as a the." },
        },
      },
    ]),
  );
  const pro = await file("pro.txt", "1 [The doctor] said that [he] worked.\n");
  const anti = await file("anti.txt", "1 [The doctor] said that [she] worked.\n");
  files = [
    `datamodule.datafiles.crows=${crows}`,
    `datamodule.datafiles.stereoset=${stereoset}`,
    ...[1, 2].flatMap((type) => [
      `datamodule.datafiles.winobias_pro_type${type}=${pro}`,
      `datamodule.datafiles.winobias_anti_type${type}=${anti}`,
    ]),
  ];
});

const bias = async (args: readonly string[], overrides: readonly string[] = []) => {
  const out = join(await temporary(), "bias");
  const ended = await run(["bias", ...args, "--out", out, ...small.overrides, ...files, ...overrides]);
  return { ...ended, out };
};
const rows = async (out: string) =>
  parse(await readFile(join(out, "bias.csv"), "utf8"), { columns: true }) as Record<string, string>[];

group("pruning-bias bias", () => {
  it("measures several models side by side, leaves bias.json and a row for each", async () => {
    const other = join(await temporary(), "other");
    const { config } = await loadCheckpoint(small.model);
    const weights = initWeights(config, { seed: 2, std: 0.2, head: "masked-lm" });
    await saveCheckpoint(other, { config, weights }, { tokenizerFrom: small.model });
    const all = "seat,layers,where,probing,stereoset,crows,winobias";
    const { code, stdout, stderr, out } = await bias(
      ["--model", small.model, "--model", other, "--tests", all, "--embedding", "mean", "--json"],
      [],
    );
    expect(stderr).not.toContain("error");
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as { models: Record<string, unknown>[]; changes: Record<string, unknown>[] };
    expect(report).toEqual(JSON.parse(await readFile(join(out, "bias.json"), "utf8")));
    expect(report.models).toHaveLength(2);
    expect(report.models[0]).toMatchObject({
      model: small.model,
      embedding: "mean",
      layer: "last",
      crows: { protocol: "bias-bench", pairs: 1 },
      stereoset: { protocol: "bias-bench" },
      winobias: { protocol: "pronoun-cloze" },
      probing: { folds: 5 },
      where: { heads: expect.arrayContaining([expect.objectContaining({ layer: 1, head: 3 })]) },
    });
    expect(report.models[0]!["layers"]).toHaveLength(3);
    expect(report.changes.map(({ measure }) => measure)).toEqual([
      ...["SEAT6", "SEAT7", "SEAT8", "crows", "winobias", "stereoset.gender", "stereoset.overall"],
    ]);
    expect(stderr).toMatch(/SEAT6 \(mean, last layer\) .*Holm.*change/);
    const [first, second] = await rows(out);
    expect(Object.keys(first!).slice(0, 4)).toEqual(["SEAT6", "SEAT7", "SEAT8", "model"]);
    expect([first!["model"], second!["model"]]).toEqual([small.model, other]);
    expect(Number(first!["SEAT6"])).toBeCloseTo(
      (report.models[0]!["tests"] as { effectSize: number }[])[0]!.effectSize,
      8,
    );
  });

  it("measures a run as its scores mask it, and a model with scores", async () => {
    const trained = join(await temporary(), "run");
    expect((await run(["train", ...small.overrides, "--out", trained])).code).toBe(0);
    const asRun = await bias(["--model", small.model, "--model", trained]);
    expect(asRun.stderr).not.toContain("error");
    const scored = await bias(["--model", small.model, "--scores", join(trained, "scores.safetensors")]);
    const [[untouched, masked], [same]] = [await rows(asRun.out), await rows(scored.out)];
    expect(same!["SEAT6"]).toBe(masked!["SEAT6"]);
    expect(untouched!["scores"]).toBe("");
  });

  it("finds the head that scores close, beside the mask", async () => {
    const { config } = await loadCheckpoint(small.model);
    const { hidden_size: D, num_attention_heads: H } = config;
    const settings = parsePruningSettings({
      ...{ attention: { block: [D / H, D] }, dense: { method: "disabled" }, valuesOnly: true },
    });
    const layout = scoreLayout(config, settings);
    const shut = Float32Array.from({ length: H }, (_, head) => (head === 2 ? -5 : 5));
    const value = "encoder.layer.1.attention.self.value.mask_module.context_modules.0.mask_scores";
    const scores = join(await temporary(), "scores.safetensors");
    await writeScores(scores, layout, { ...initialScores(layout), [value]: ndarray(shut, [H, 1]) }, settings);
    const args = ["--model", small.model, "--scores", scores, "--tests", "seat,where", "--json"];
    const { code, stdout, stderr } = await bias(args);
    expect(code, stderr).toBe(0);
    const [model] = (JSON.parse(stdout) as BiasReport).models;
    const { heads, goal, sets, open } = model!.where!;
    expect(heads).toHaveLength(8);
    expect(goal.closed).toEqual([{ layer: 1, head: 2 }]);
    for (const { test, effectSize } of model!.tests) {
      expect(goal.effects[test]).toBeCloseTo(effectSize, 4);
      expect(open[test]).not.toBeCloseTo(effectSize, 4);
    }
    expect(sets.map((set) => set.heads)).toEqual([[{ layer: 1, head: 2 }]]);
    expect(sets[0]!.distance).toBeLessThan(1e-3);
    expect(stderr).toMatch(/towards what the mask does with 1 heads closed: SEAT6 .*\n {2}1\.2: SEAT6 .*; 0\.00 away/);
  });

  it("scores CrowS-Pairs by bias type", async () => {
    const other = join(await temporary(), "other");
    const { config } = await loadCheckpoint(small.model);
    const weights = initWeights(config, { seed: 3, std: 0.2, head: "masked-lm" });
    await saveCheckpoint(other, { config, weights }, { tokenizerFrom: small.model });
    const args = ["--model", small.model, "--model", other, "--tests", "crows"];
    const { code, stdout, stderr, out } = await bias([...args, "--crows-types", "all", "--json"]);
    expect(code, stderr).toBe(0);
    const { models, changes } = JSON.parse(stdout) as BiasReport;
    expect(models[0]!.crows).toMatchObject({ pairs: 2, types: { age: { pairs: 1 }, gender: { pairs: 1 } } });
    expect(changes.map(({ measure }) => measure)).toEqual(["crows", "crows.age", "crows.gender"]);
    expect(stderr).toMatch(
      /crows \(age, gender, bias-bench\)[^]*crows \(age, bias-bench\)[^]*crows \(gender, bias-bench\)/,
    );
    expect((await rows(out))[0]!["crows.types"]).toBe("age gender");
    const unknown = await bias([...args, "--crows-types", "gender,size"]);
    expect(unknown.stderr).toMatch(/^error: --crows-types: expected all, or some of age, gender, got "size"$/m);
    expect(unknown.code).toBe(2);
  });

  it("appends to what is there, and takes single tests of the settings", async () => {
    const { out } = await bias(["--model", small.model]);
    const mine = join(small.dir, "data/seat/demo-jobs.jsonl");
    const again = await run([
      ...["bias", "--model", small.model, "--tests", "MINE", "--layer", "1", "--out", out],
      ...[...small.overrides, `datamodule.seat_data.MINE=${mine}`],
    ]);
    expect(again.code).toBe(0);
    const [first, second] = await rows(out);
    expect([first!["layer"], second!["layer"]]).toEqual(["last", "1"]);
    expect(JSON.parse(second!["other"]!)).toHaveProperty("MINE.effectSize");
  });
});

group("bad input is refused in one line", () => {
  const refused = async (args: readonly string[], overrides: readonly string[], message: RegExp, code = 1) => {
    const ended = await bias(args, overrides);
    const errors = ended.stderr.split("\n").filter((line) => line.startsWith("error: "));
    expect(errors, ended.stderr).toHaveLength(1);
    expect(errors[0]).toMatch(message);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(ended.code).toBe(code);
    for (const file of ["bias.json", "bias.csv"]) expect(existsSync(join(ended.out, file))).toBe(false);
  };
  const one = () => ["--model", small.model];

  it("an unknown test, embedding or protocol, and a layer that is not there", async () => {
    await refused([...one(), "--tests", "seat,crow"], [], /--tests: expected some of seat, .*, got "crow"/, 2);
    await refused([...one(), "--embedding", "max"], [], /--embedding: expected cls \| mean \| first, got max/, 2);
    await refused([...one(), "--protocol", "mine"], [], /--protocol: expected bias-bench \| paper, got mine/, 2);
    await refused([...one(), "--layer", "9"], [], /embedder: expected a layer from 0, the embeddings, to 2, got 9/);
  });

  it("an empty test file, and a malformed one", async () => {
    const dir = await temporary();
    await writeFile(join(dir, "empty.csv"), "");
    await writeFile(join(dir, "broken.jsonl"), '{"targ1": 1}');
    const crows = [`datamodule.datafiles.crows=${join(dir, "empty.csv")}`];
    await refused([...one(), "--tests", "crows"], crows, /empty\.csv: expected CrowS-Pairs, got an empty file/);
    const seat = [`datamodule.datafiles.SEAT7=${join(dir, "broken.jsonl")}`];
    await refused(one(), seat, /broken\.jsonl: expected a SEAT test, at targ1: /);
  });

  it("a model without a masked-language-model head, before anything is measured", async () => {
    const bare = join(await temporary(), "bare");
    await cp(small.model, bare, { recursive: true });
    const { config } = await loadCheckpoint(small.model);
    const { architectures: _, ...plain } = config;
    await saveCheckpoint(
      bare,
      { config: plain, weights: initWeights(plain, { seed: 1 }) },
      { tokenizerFrom: small.model },
    );
    const args = ["--model", bare, "--tests", "seat,crows"];
    await refused(args, [], /bare: expected a masked-language-model head, got a model without one/);
  });
});

group("bias.csv", () => {
  it("loses no row of writers at once, and has its header once", async () => {
    const path = join(await temporary(), "deep", "bias.csv");
    const row = (n: number) => `${"x".repeat(2000)},${n}\r\n`;
    await Promise.all(Array.from({ length: 40 }, (_, n) => appendRows(path, "a,n\r\n", row(n))));
    const [header, ...lines] = (await readFile(path, "utf8")).trimEnd().split("\r\n");
    expect(header).toBe("a,n");
    expect(lines.map((line) => Number(line.split(",")[1])).toSorted((a, b) => a - b)).toEqual([...Array(40).keys()]);
    expect(lines.every((line) => /^x{2000},\d+$/.test(line))).toBe(true);
  });

  it("ends a row that was cut off, and refuses a file of other columns", async () => {
    const path = join(await temporary(), "bias.csv");
    await writeFile(path, "a,n\r\nhalf");
    await appendRows(path, "a,n\r\n", "1,2\r\n");
    expect(await readFile(path, "utf8")).toBe("a,n\r\nhalf\r\n1,2\r\n");
    await expect(checkHeader(path, biasHeader)).rejects.toThrow(
      /bias\.csv: expected the columns SEAT6,SEAT7,SEAT8,model.*, got "a,n"$/,
    );
    await expect(checkHeader(join(path, "..", "none.csv"), biasHeader)).resolves.toBeUndefined();
  });

  it("loses nothing of two processes", async () => {
    const out = join(await temporary(), "bias");
    const args = ["bias", "--model", small.model, "--out", out, ...small.overrides];
    const ended = await Promise.all([run(args), run(args)]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    expect(await rows(out)).toHaveLength(2);
  });
});
