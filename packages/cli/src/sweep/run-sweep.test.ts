import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { oneAtATime } from "./one-at-a-time.ts";
import type { Sweep } from "./points.ts";
import { runSweep } from "./run-sweep.ts";
import { sweepFile, writeSweepFile } from "./sweep-file.ts";

const written = { base: ["experiment=demo"], grid: { seed: ["1", "2"] }, glue: ["cola"] };

describe("a sweep that somebody wrote", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "sweep-"));
    await mkdir(dirname(sweepFile(root, "demo")), { recursive: true });
    await writeFile(sweepFile(root, "demo"), JSON.stringify(written));
  });
  const dryRun = (...overrides: string[]) =>
    runSweep(overrides, { root, dryRun: true, log: () => {}, output: () => {}, environment: {} });

  it.each([[[]], [["experiment=demo"]], [["name=demo"]]])("is meant by %j", async (overrides) => {
    const { name, points } = await dryRun(...overrides);
    expect(name).toBe("demo");
    expect(points.map((point) => point.name)).toEqual(["seed=1", "seed=2"]);
  });

  it("is left alone by a grid over its experiment, whose name does not change when it grows", async () => {
    const two = await dryRun("experiment=demo", "model.debias_loss_form=direction,squared_sum");
    const three = await dryRun("experiment=demo", "model.debias_loss_form=direction,squared_sum,sum_of_squares");
    expect(two.name).toMatch(/^demo-[0-9a-f]{8}$/);
    expect(three.name).toBe(two.name);
    expect(JSON.parse(await readFile(sweepFile(root, "demo"), "utf8"))).toEqual(written);
  });

  it("has its seeds in its file, and takes none from a command line", async () => {
    const seeds = (...overrides: string[]) =>
      runSweep(overrides, { root, dryRun: true, glueSeeds: 3, log: () => {}, output: () => {}, environment: {} });
    await expect(seeds("name=demo")).rejects.toThrow(
      "--seeds: expected them as glueSeeds in experiments/demo/sweep.json, which somebody wrote, got them on the command line",
    );
    await expect(seeds("experiment=demo", "seed=1,2,3")).rejects.toThrow(
      "--seeds: expected tasks in --glue to fine-tune with them, got none",
    );
  });

  it("gives its name to no other", async () => {
    await expect(dryRun("name=demo", "seed=3")).rejects.toThrow(
      "name: expected one that no written sweep has, got demo",
    );
  });
});

describe("seeds of GLUE tasks", () => {
  const tasks = async (seeds: number | readonly number[] | undefined, ...overrides: string[]) => {
    const root = await mkdtemp(join(tmpdir(), "sweep-"));
    const own = { glue: ["cola"], ...(seeds !== undefined && { glueSeeds: seeds }) };
    const options = { root, log: () => {}, output: () => {}, environment: {}, ...own };
    const outcome = await runSweep(overrides, { ...options, launcher: "slurm", dryRun: true });
    const text = (outcome.scripts ?? []).map((script) => script.text).join();
    return [...new Set(text.match(/glue-cola-\d+/g))];
  };

  it("are counted from finetune.seed on, or named", async () => {
    expect(await tasks(2, "experiment=debias")).toEqual(["glue-cola-42", "glue-cola-43"]);
    expect(await tasks(2, "experiment=debias", "finetune.seed=7")).toEqual(["glue-cola-7", "glue-cola-8"]);
    expect(await tasks([3, 1], "experiment=debias", "finetune.seed=7")).toEqual(["glue-cola-3", "glue-cola-1"]);
  });

  it("are named as the one that is run without any, so that more of them run alone", async () => {
    expect(await tasks(1, "experiment=debias")).toEqual(["glue-cola-42"]);
    expect(await tasks(undefined, "experiment=debias")).toEqual(["glue-cola-42"]);
  });

  it("are refused where the only task is that of a classifier, which has one", async () => {
    await expect(tasks(2, "experiment=glue_then_debias", "glue=cola")).rejects.toThrow("--seeds: expected tasks");
  });

  it("are not counted from several", async () => {
    await expect(tasks(2, "finetune.seed=7,8")).rejects.toThrow(
      "--seeds: expected one finetune.seed to count from, got 7, 8",
    );
  });
});

describe("what is made before points run", () => {
  const dryRun = async (...overrides: string[]) => runIn(await mkdtemp(join(tmpdir(), "sweep-")), ...overrides);
  const runIn = (root: string, ...overrides: string[]) =>
    runSweep(overrides, { root, dryRun: true, log: () => {}, output: () => {}, environment: {} });

  it.each([
    ["classifiers", ["experiment=glue_then_debias", "glue=rte", "finetune.epochs=1,2"]],
    ["models", ["experiment=demo", "pretrain.steps=10,20"]],
    ["models of other backends", ["experiment=demo", "backend=onnx-cpu,auto"]],
  ])("has a folder of its own, where nobody names one: %s", async (_, overrides) => {
    expect((await dryRun(...overrides)).points).toHaveLength(2);
  });

  it.each([
    [
      ["experiment=glue_then_debias", "finetune.epochs=1,2", "model.hf_checkpoint=runs/classifiers/mine"],
      "model.hf_checkpoint: expected a folder for each model that is made, got runs/classifiers/mine for two of other settings; put what differs into it, as ${finetune.epochs}",
    ],
    [
      ["experiment=demo", "pretrain.steps=10,20", "pretrain_dir=runs/mine"],
      "pretrain_dir: expected a folder for each model that is made, got runs/mine for two of other settings; put what differs into it, as ${pretrain.steps}",
    ],
    [
      ["experiment=demo", "backend=onnx-cpu,auto", "pretrain_dir=runs/mine"],
      "pretrain_dir: expected a folder for each model that is made, got runs/mine for two of other settings; put what differs into it, as ${backend}",
    ],
  ])("is refused one folder for two: %j", async (overrides, message) => {
    await expect(dryRun(...overrides)).rejects.toThrow(message);
  });

  it("is as another sweep makes it, or elsewhere", async () => {
    const root = await mkdtemp(join(tmpdir(), "sweep-"));
    const write = async (name: string, base: string[]) => {
      await mkdir(dirname(sweepFile(root, name)), { recursive: true });
      await writeFile(sweepFile(root, name), JSON.stringify({ base, grid: {} }));
    };
    await write("first", ["experiment=demo", "pretrain_dir=runs/mine", "pretrain.steps=10"]);
    await write("unreadable", ["gone=1"]);
    const second = (...more: string[]) => runIn(root, "name=second", "experiment=demo", "seed=1,2", ...more);
    expect((await second("pretrain_dir=runs/mine", "pretrain.steps=10")).points).toHaveLength(2);
    expect((await second("pretrain_dir=runs/other", "pretrain.steps=20")).points).toHaveLength(2);
    await expect(second("pretrain_dir=runs/mine", "pretrain.steps=20")).rejects.toThrow(
      "got runs/mine that experiments/first/sweep.json makes with other settings; put what differs into it, as ${pretrain.steps}",
    );
  });
});

it("a sweep of a name that is at work, with other points, leaves its file alone until it is done", async () => {
  const root = await mkdtemp(join(tmpdir(), "sweep-"));
  // All that is asked of Nx here is that it is there.
  await mkdir(join(root, "node_modules/nx/dist/bin"), { recursive: true });
  await writeFile(join(root, "node_modules/nx/dist/bin/nx.js"), "");
  const ofFirst: Sweep = { base: ["experiment=demo"], grid: { seed: ["1", "2"] }, glue: [], where: false };
  await writeSweepFile(sweepFile(root, "mine"), { ...ofFirst, generated: true });
  const file = () => readFile(sweepFile(root, "mine"), "utf8").then((text) => JSON.parse(text) as { grid: unknown });
  const { promise: waiting, resolve: onWait } = Promise.withResolvers<string>();
  let second: Promise<unknown> | undefined;
  const work = async () => {
    const log = (line: string) => void (line.startsWith("waiting") && onWait(line));
    const options = { root, log, output: () => {}, environment: {} };
    second = runSweep(["name=mine", "experiment=demo", "seed=2,3"], options);
    expect(await waiting).toMatch(/^waiting until sweep mine, process \d+, is done/);
    expect((await file()).grid).toEqual({ seed: ["1", "2"] });
  };
  await oneAtATime(join(root, "runs/.sweep"), work, { who: "sweep mine", onWait: () => {} });
  await second;
  expect((await file()).grid).toEqual({ seed: ["2", "3"] });
});

describe("memory of a cluster's jobs", () => {
  const said = async (...overrides: string[]) => {
    const root = await mkdtemp(join(tmpdir(), "sweep-"));
    const lines: string[] = [];
    const quiet = { log: (line: string) => lines.push(line), output: () => {}, environment: {} };
    await runSweep(["experiment=debias", ...overrides], { root, ...quiet, launcher: "slurm", dryRun: true });
    return lines.find((line) => line.includes("memory: "));
  };

  it("is set beside what they are given", async () => {
    expect(await said("slurm.memory=16G")).toMatch(/^memory: about \d\.\d GB a task, of slurm\.memory=16G$/);
    expect(await said("slurm.memory=500M")).toMatch(
      /^warning: memory: .* slurm\.memory=500M: Slurm may end tasks \(slurm\.memory=\dG is/,
    );
    expect(await said()).toContain("jobs get what the cluster gives");
  });
});
