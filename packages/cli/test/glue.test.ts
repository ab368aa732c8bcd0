import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { dataDir, describeData } from "@pruning-bias/oracle";
import { initialScores, parsePruningSettings, scoreLayout, writeScores } from "@pruning-bias/pruning";
import { loadCheckpoint } from "@pruning-bias/model";
import { beforeAll, describe, expect, it } from "vitest";
import { serveHub } from "../../../tools/oracle/src/serve-hub.ts";
import { run, start } from "./command-line.ts";
import { smallModel, temporary } from "./small-model.ts";

let small: Awaited<ReturnType<typeof smallModel>>;
let data: string[];
beforeAll(async () => {
  small = await smallModel();
  data = small.overrides.filter((override) => /^(data_dir|datamodule\.glue_data)=/.test(override));
});

const quick = ["finetune.epochs=1", "finetune.batch_size=8", "finetune.limit_train=40"];
const glue = async (args: readonly string[], out?: string, env: NodeJS.ProcessEnv = {}) => {
  const folder = out ?? join(await temporary(), "glue");
  const ended = await run(["glue", "--model", small.model, ...args, ...data, "--out", folder], { env });
  return { ...ended, out: folder };
};

interface Summary {
  tasks: { task: string; seeds: number[]; metrics: Record<string, Record<string, unknown>>; keep: string }[];
  failed: unknown[];
}

describe("pruning-bias glue", () => {
  it("goes over tasks and seeds, and says median, spread, majority and which epoch counts", async () => {
    const { code, stdout, stderr, out } = await glue([
      ...["--task", "cola,mrpc", "--seeds", "2", "--json", ...quick, "finetune.keep=best", "finetune.epochs=2"],
    ]);
    expect(stderr).toMatch(/cola step \d+\/10 {2}epoch \d, loss \d/);
    expect(code).toBe(0);
    const { tasks, failed } = JSON.parse(stdout) as Summary;
    expect(failed).toEqual([]);
    expect(tasks.map(({ task, seeds, keep }) => ({ task, seeds, keep }))).toEqual([
      { task: "cola", seeds: [42, 43], keep: "best" },
      { task: "mrpc", seeds: [42, 43], keep: "best" },
    ]);
    expect(Object.keys(tasks[1]!.metrics)).toEqual(["accuracy", "f1", "combined_score"]);
    expect(Object.keys(tasks[1]!.metrics["f1"]!)).toEqual(["median", "mean", "deviation", "min", "max", "count"]);
    const names = ["cola-42", "cola-43", "mrpc-42", "mrpc-43"].flatMap((name) => [
      name,
      `${name}.json`,
      `${name}.sha256`,
    ]);
    expect((await readdir(out)).toSorted()).toEqual([...names, "summary.json"].toSorted());
    const result = JSON.parse(await readFile(join(out, "mrpc-42.json"), "utf8")) as Record<string, unknown>;
    expect(result).toMatchObject({ task: "mrpc", seed: 42, keep: "best", epochs: 2 });
    const lines = (await readFile(join(out, "mrpc-42/predictions-validation.tsv"), "utf8")).trim().split("\n");
    expect(lines[0]).toBe("idx\tlabel\tprediction\tlogit_0\tlogit_1");
    expect(lines.length - 1).toBe((result["scores"] as Record<string, { examples: number }>)["validation"]!.examples);
    // What it went on from is gone.
    expect(await readdir(join(out, "mrpc-42"))).toEqual(["predictions-validation.tsv"]);
  });

  it("leaves the others' results where a task fails, and names what failed", async () => {
    const { code, stderr, out } = await glue(["--task", "rte,cola", ...quick]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /error: 1 of the runs failed, .*: rte, seed 42: .*rte: expected train-\S+ or train\.tsv, found neither/,
    );
    expect(stderr).toMatch(/cola: matthews_correlation \S+, majority 0\.0000 \[one seed; last epoch\]/);
    expect(existsSync(join(out, "cola-42.json"))).toBe(true);
    expect(existsSync(join(out, "rte-42.json"))).toBe(false);
  });

  it("saves a classifier, which is scored again as it is", async () => {
    const saved = join(await temporary(), "classifier");
    const first = await glue(["--task", "cola", "--save", saved, ...quick]);
    expect(first.code).toBe(0);
    const again = await glue(["--model", saved, "--task", "cola", "--score-only", "--json"]);
    const metric = async (out: string) =>
      (JSON.parse(await readFile(join(out, "cola-42.json"), "utf8")) as { metrics: object }).metrics;
    expect(await metric(again.out)).toEqual(await metric(first.out));
    expect((JSON.parse(again.stdout) as Summary).tasks[0]!.keep).toBe("as it was");
    expect((await glue(["--model", small.model, "--task", "cola", "--score-only"])).stderr).toContain(
      "scoreClassifier: cola: expected a checkpoint with a classifier, got none",
    );
  });

  it("masks the model with scores, and refuses those of another architecture", async () => {
    const { config } = await loadCheckpoint(small.model);
    const settings = parsePruningSettings({ attention: { block: [8, 32] }, initialScore: -5 });
    const folder = await temporary();
    const file = async (sizes: typeof config, name: string) => {
      const layout = scoreLayout(sizes, settings);
      await writeScores(join(folder, name), layout, initialScores(layout), settings);
      return join(folder, name);
    };
    const closed = await glue(["--task", "cola", "--scores", await file(config, "own.safetensors"), ...quick]);
    expect(closed.code).toBe(0);
    const deep = await file({ ...config, num_hidden_layers: 3 }, "deep.safetensors");
    const { code, stderr } = await glue(["--task", "cola", "--scores", deep, ...quick]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: \S+deep\.safetensors: expected no encoder\.layer\.2\.\S+ in this layout, got one/);
  });

  it.each([
    [["--task", "colla"], /glue: expected one of cola, sst2, .*, got "colla"/],
    [["--task", "cola", "--seeds", "0"], /--seeds: expected a number of seeds, .*, got 0/],
    [["--task", "cola", "--seeds", "1,x"], /--seeds: expected a number of seeds, .*, got 1,x/],
    [["--task", "cola", "--seeds", "2", "--save", "x"], /--save: expected one task and one seed, got 1 and 2/],
    [["--task", "cola", "finetune.keep=first"], /finetune\.keep/],
  ])("refuses %j as wrong usage", async (args, message) => {
    const { code, stderr } = await glue(args);
    expect(code).toBe(2);
    expect(stderr.trim().split("\n").at(-1)).toMatch(message);
  });

  it("goes on after a kill, to the same bits", async () => {
    const long = ["--task", "cola", ...quick, "finetune.epochs=6", "trainer.checkpoint_every=4"];
    const undisturbed = await glue(long);
    const out = join(await temporary(), "killed");
    const child = start(["glue", "--model", small.model, ...long, ...data, "--out", out]);
    const checkpoints = join(out, "cola-42/checkpoints");
    const written = async () =>
      existsSync(checkpoints) && (await readdir(checkpoints)).some((n) => /^step-\d+$/.test(n));
    while (child.exitCode === null && !(await written())) await wait(5);
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    expect(existsSync(join(out, "cola-42.json"))).toBe(false);
    const { code, stderr } = await glue([...long, "--resume"], out);
    expect(stderr).toMatch(/going on from \S+step-\d+/);
    expect(code).toBe(0);
    const [a, b] = await Promise.all(
      [undisturbed.out, out].map((folder) => readFile(join(folder, "cola-42/predictions-validation.tsv"), "utf8")),
    );
    expect(a).toBe(b);
    // A run that is finished is kept; with other settings it is another one.
    const kept = await glue([...long, "--resume"], out);
    expect(kept.stderr).toMatch(/cola-42\.json is there, of the same settings, model and data: kept/);
    expect(kept.stderr).not.toContain("cola step");
    const other = await glue([...long, "--resume", "finetune.learning_rate=1e-3"], out);
    expect(other.stderr).toMatch(/no checkpoint in/);
  }, 60_000);
});

it("a command over several seeds that was killed keeps those that are finished, and makes the others", async () => {
  const folder = await temporary();
  for (const [task, columns] of Object.entries({ stsb: "sentence1\tsentence2", cola: "sentence" })) {
    await mkdir(join(folder, task));
    for (const split of ["train", "validation"]) {
      const texts = columns.replaceAll(/\w+/g, "the doctor");
      const rows = Array.from({ length: 24 }, (_, n) => `${texts} ${n}\t${n % 2}\t${n}`);
      await writeFile(join(folder, task, `${split}.tsv`), [`${columns}\tlabel\tidx`, ...rows].join("\n"));
    }
  }
  const words = ["glue", "--model", small.model, "--task", "stsb,cola", "--seeds", "2", "--json", ...quick];
  const settings = ["finetune.epochs=4", "trainer.checkpoint_every=1", `datamodule.glue_data=${folder}`];
  const glue = (out: string, ...more: string[]) => [
    ...[...words, ...settings, `data_dir=${join(folder, "cache")}`, "--out", join(folder, out), ...more],
  ];
  const out = join(folder, "killed");
  const whole = await run(glue("whole"));
  const child = start(glue("killed"));
  while (child.exitCode === null && !existsSync(join(out, "stsb-43/checkpoints"))) await wait(5);
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  const before = await readFile(join(out, "stsb-42.json"), "utf8");
  const resumed = await run(glue("killed", "--resume"));
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(resumed.stderr.match(/\S+(?=\.json is there, .*: kept)/g)).toEqual([expect.stringMatching(/stsb-42$/)]);
  expect(await readFile(join(out, "stsb-42.json"), "utf8")).toBe(before);
  // A constant's correlation, which is no number, and all others come back as they were.
  expect(JSON.parse(resumed.stdout)).toEqual(JSON.parse(whole.stdout));
  // A result that was changed since is made again.
  await writeFile(join(out, "cola-43.json"), before);
  const mended = await run(glue("killed", "--resume"));
  expect(mended.stderr.match(/: kept/g)).toHaveLength(3);
  expect(JSON.parse(mended.stdout)).toEqual(JSON.parse(whole.stdout));
}, 120_000);

describeData("from the hub", "hub/datasets/nyu-mll/glue", () => {
  it("files are fetched, test splits predicted and submitted in the benchmark's format", async () => {
    const hub = await serveHub(join(dataDir!, "hub"));
    const [cache, home] = [await temporary(), await temporary()];
    const args = [
      "--task",
      "mrpc",
      "datamodule.glue_data=nyu-mll/glue",
      `data_dir=${cache}`,
      "finetune.predict_test=true",
    ];
    const out = join(await temporary(), "glue");
    const { code, stderr } = await run(
      ["glue", "--model", small.model, ...args, ...quick, "finetune.max_length=24", "--out", out],
      { env: { HF_ENDPOINT: `${hub.url}/`, HF_HOME: home } },
    );
    hub.close();
    expect(stderr).not.toContain("error");
    expect(code).toBe(0);
    const lines = (await readFile(join(out, "mrpc-42/MRPC.tsv"), "utf8")).trim().split("\n");
    expect(lines[0]).toBe("index\tprediction");
    expect(lines).toHaveLength(1 + 1725);
    expect(lines.slice(1).every((line, n) => line === `${n}\t0` || line === `${n}\t1`)).toBe(true);
    // What is there is found without the hub, and what is not is not asked for.
    const offline = { HF_ENDPOINT: hub.url, HF_HOME: home, HF_HUB_OFFLINE: "1" };
    const again = await run(["glue", "--model", small.model, ...args, ...quick, "--out", out, "--resume"], {
      env: offline,
    });
    expect(again.code, again.stderr).toBe(0);
    const other = await run(["glue", "--model", small.model, "--task", "rte", `data_dir=${cache}`, "--out", out], {
      env: offline,
    });
    expect(other.stderr).toMatch(/nyu-mll\/glue: expected rte\/train-\S+ in \S+, found none, and is to ask nobody/);
    const snapshots = join(home, "hub/datasets--nyu-mll--glue/snapshots");
    const files = join(snapshots, (await readdir(snapshots))[0]!);
    const parquet = await readFile(join(files, "mrpc/train-00000-of-00001.parquet"));
    const cut = join(await temporary(), "glue");
    await cp(files, cut, { recursive: true, dereference: true });
    await writeFile(join(cut, "mrpc/train-00000-of-00001.parquet"), parquet.subarray(0, 1000));
    const broken = await run([
      "glue",
      "--model",
      small.model,
      "--task",
      "mrpc",
      `datamodule.glue_data=${cut}`,
      "--out",
      out,
    ]);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/mrpc\/train-\S+\.parquet: expected a whole Parquet file, got/);
  }, 60_000);
});
