import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { readEvents } from "../../training/test/read-events.ts";
import { ends } from "../src/report/compare.ts";
import { readSweep } from "../src/report/read.ts";
import { report } from "../src/report/report.ts";
import { resultsCsv } from "../src/report/results-csv.ts";
import { run, start } from "./command-line.ts";
import { smallModel, temporary } from "./small-model.ts";

let small: Awaited<ReturnType<typeof smallModel>>;
beforeAll(async () => {
  small = await smallModel();
});

const train = async (...overrides: string[]) => {
  const out = join(await temporary(), "run");
  const ended = await run(["train", ...small.overrides, ...overrides, "--out", out, "--json"]);
  return { ...ended, out };
};

const json = async (path: string) => JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;

const bias = async (...args: string[]) => {
  const out = await temporary();
  const ended = await run(["bias", ...args, ...small.overrides.slice(1), "--out", out, "--json"]);
  return { ...ended, report: ended.code === 0 ? (JSON.parse(ended.stdout) as Report) : undefined };
};
interface Report {
  readonly models: readonly { readonly tests: readonly { readonly effectSize: number }[] }[];
}

describe.each([
  ["inlp", /inlp: accuracy [\d.]+ at first, [\d.]+ in the end/],
  ["sentence", /sentence_debias: [\d.]+ % of the variance within pairs/],
])("debias_%s", (name, told) => {
  it("leaves a projection that bias tests see", async () => {
    const { code, stderr, out } = await train(`experiment=debias_${name}`, "alternative.iterations=3");
    expect(stderr).toMatch(told);
    expect(code).toBe(0);
    expect((await readdir(out)).filter((file) => file !== "metrics.jsonl").toSorted()).toEqual([
      "config.json",
      "projection.safetensors",
      "summary.json",
      "train.sha256",
    ]);
    const { steps } = await json(join(out, "summary.json"));
    expect(steps).toBeGreaterThanOrEqual(1);
    expect(steps).toBeLessThanOrEqual(3);

    const { report, stderr: said } = await bias("--model", small.model, "--model", out);
    expect(said).not.toContain("error");
    const [before, after] = report!.models.map(({ tests }) => tests.map(({ effectSize }) => effectSize));
    expect(after).not.toEqual(before);

    const env = { RUN_CONFIG: await readFile(join(out, "config.json"), "utf8") };
    expect((await run(["run-bias", "--out", out], { env })).code).toBe(0);
    const { tests } = (await json(join(out, "bias.json"))) as { tests: Report["models"][number]["tests"] };
    tests.forEach(({ effectSize }, n) => expect(effectSize).toBeCloseTo(after![n]!, 6));
    const glue = await run(["run-glue", "--task", "cola", "--name", "cola-42", "--out", out], { env });
    expect(glue.stderr).toMatch(/error: glue: expected a run that leaves a model, got \w+, whose projection/);

    const where = await bias("--model", out, "--tests", "where");
    expect(where.stderr).toContain("a projection of the output, which closing heads knows nothing of");
    expect(where.code).toBe(2);

    const to = join(out, "exported");
    expect((await run(["export", out, "--to", to])).code).toBe(0);
    expect(await readFile(join(to, "README.md"), "utf8")).toContain("Its hidden states are not projected");
  }, 60_000);
});

it("sweeps leave GLUE and heads out for projections, and say so in one line", async () => {
  const asked = ["--glue", "cola", "--where", "--dry-run", "--json"];
  const { code, stdout, stderr } = await run(["sweep", "experiment=debias_inlp,debias_cda", ...asked]);
  expect(stderr).toMatch(/^GLUE and --where: left out for experiment=debias_inlp: a projection of .*$/m);
  const { points, shared } = JSON.parse(stdout) as Record<"points" | "shared", { toDo: string[] }[]>;
  const all = ["bias", "where", "glue-cola"];
  const named = ({ toDo }: { toDo: string[] }) => toDo.map((task) => task.replace(/-\d+$/, ""));
  expect(points.map(named)).toEqual([
    ["train", "bias"],
    ["train", ...all],
  ]);
  expect(shared.map(named)).toEqual([all]);
  expect(code).toBe(0);
});

describe.each(["cda", "dropout"])("debias_%s", (name) => {
  it("leaves a model, with the dropout that it came with", async () => {
    const { code, stderr, out } = await train(`experiment=debias_${name}`, "alternative.batch_size=8");
    expect(stderr).toMatch(/step 3\/3 {2}loss \d/);
    expect(code).toBe(0);
    const { steps, tokens } = await json(join(out, "summary.json"));
    expect([steps, (tokens as number) > 100]).toEqual([3, true]);
    expect(await readdir(join(out, "checkpoints"))).toContain("step-00000003");
    await expectValidations(out, stderr);
    const before = await json(join(small.model, "config.json"));
    expect(await json(join(out, "model/config.json"))).toMatchObject({
      hidden_dropout_prob: before["hidden_dropout_prob"],
    });
    const weights = await Promise.all(
      [small.model, join(out, "model")].map((dir) => readFile(join(dir, "model.safetensors"))),
    );
    expect(weights[0]!.equals(weights[1]!)).toBe(false);
    const again = await train(`model.model_name=${join(out, "model")}`, "trainer.max_steps=1");
    expect(again.code).toBe(0);
  }, 60_000);
});

/** Of masked-LM loss and SEAT, before training and at the end, in the metrics, in TensorBoard and in the report. */
async function expectValidations(out: string, stderr: string): Promise<void> {
  const folder = dirname(out);
  const sweep = await readSweep(dirname(folder), basename(folder), [basename(out)]);
  const { start, end } = ends(sweep.points[0]!);
  expect([start, end]).toMatchObject([
    { step: 0, maskedLmLoss: expect.any(Number), seat: { SEAT6: expect.any(Number) } },
    { step: 3, maskedLmLoss: expect.any(Number), seat: { SEAT6: expect.any(Number) } },
  ]);
  expect(end!.maskedLmLoss).not.toBe(start!.maskedLmLoss);
  expect(stderr).toMatch(/^validation at step 3: masked-LM loss \d\S+, SEAT6 /m);
  const [header, , point] = resultsCsv(sweep)
    .split("\r\n")
    .map((line) => line.split(","));
  const shown = Number(point![header!.indexOf("validation.maskedLmLoss.end")]);
  expect(shown / end!.maskedLmLoss!).toBeCloseTo(1, 8);
  const { html } = await report(sweep);
  expect(html).toContain("masked-LM loss from");
  const name = (await readdir(out)).find((file) => file.startsWith("events.out.tfevents."));
  const { values } = await readEvents(join(out, name!));
  const steps = (tag: string) => values.filter((value) => value.tag === tag).map(({ step }) => step);
  for (const tag of ["validation/loss/masked_lm", "SEAT/SEAT6"]) expect(steps(tag), tag).toEqual([0, 3]);
  expect(steps("train/loss/masked_lm_step")).toEqual([1, 2, 3]);
}

it("settings that a method does not read are named in one line", async () => {
  const { code, stderr } = await train(
    ...[
      "experiment=debias_cda",
      "alternative.batch_size=8",
      "trainer.limit_val_sentences=5",
      "alternative.iterations=3",
    ],
    ...["model.learning_rate=1e-3", "trainer.gradient_clip_val=1", "trainer.devices=2"],
  );
  const [, idle] = /^cda: without effect on it: (.*)$/m.exec(stderr)!;
  expect(idle!.split(", ")).toEqual(
    expect.arrayContaining([
      ...["model.learning_rate", "trainer.gradient_clip_val", "trainer.devices", "alternative.iterations"],
    ]),
  );
  expect(idle).not.toMatch(/limit_val_sentences|alternative.batch_size|max_steps/);
  expect(code).toBe(0);
});

it("training that diverges leaves no model", async () => {
  const { code, stderr, out } = await train(
    "experiment=debias_cda",
    "alternative.learning_rate=1e38",
    "alternative.steps=1",
  );
  expect(stderr).toMatch(/^error: (validation after step 1|step 1): expected .*; there is no good checkpoint$/m);
  expect(code).toBe(1);
  expect(existsSync(join(out, "model"))).toBe(false);
});

it.each(["cda", "dropout"])(
  "debias_%s that was killed goes on as if it had never stopped",
  async (name) => {
    const line = (out: string) => [
      ...["train", ...small.overrides, `experiment=debias_${name}`, "alternative.batch_size=4", "alternative.steps=30"],
      ...["trainer.max_steps=30", "trainer.checkpoint_every=3", "--out", out, "--resume"],
    ];
    const results = async (out: string) => ({
      metrics: await readFile(join(out, "metrics.jsonl"), "utf8"),
      weights: (await readFile(join(out, "model/model.safetensors"))).toString("base64"),
    });
    const whole = join(await temporary(), "whole");
    expect((await run(line(whole))).code).toBe(0);

    const out = join(await temporary(), "killed");
    const killed = start(line(out));
    while (!existsSync(join(out, "checkpoints/step-00000003"))) await wait(5);
    killed.kill("SIGKILL");
    await once(killed, "close");
    expect(existsSync(join(out, "model"))).toBe(false);
    const resumed = await run(line(out));
    expect(resumed.stderr).toMatch(/going on from \S+step-000000(0[369]|[12]\d)/);
    expect(await results(out)).toEqual(await results(whole));
  },
  60_000,
);

it("CDA trains on swapped copies of all sentences with gender words", async () => {
  const sentences = async (name: string) =>
    Number(
      /: (\d+) sentences, 1 steps/.exec((await train(`experiment=debias_${name}`, "alternative.steps=1")).stderr)![1],
    );
  const [plain, augmented] = [await sentences("dropout"), await sentences("cda")];
  expect(augmented).toBeGreaterThan(1.3 * plain);
  expect(augmented).toBeLessThan(2 * plain);
}, 60_000);

describe("refused in one line:", () => {
  it("word lists that are not paired", async () => {
    const list = join(await temporary(), "female.txt");
    await writeFile(list, "she\nwoman\nher\n");
    const { code, stderr, out } = await train(
      "experiment=debias_cda",
      `datamodule.datafiles.attributes_female=${list}`,
    );
    expect(stderr).toMatch(/error: \S+female.txt: expected \d+ lines, the counterparts of those of \S+male.txt, got 3/);
    expect(code).toBe(1);
    expect(existsSync(join(out, "summary.json"))).toBe(false);
  });

  it("pruning beside another method", async () => {
    const { code, stderr } = await train("experiment=debias_inlp", 'pruning={"final_threshold":0.1}');
    expect(stderr).toContain("error: alternative: expected nothing that is pruned beside it");
    expect(code).toBe(2);
  });
});
