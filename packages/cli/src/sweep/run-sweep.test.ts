import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { runSweep } from "./run-sweep.ts";
import { sweepFile } from "./sweep-file.ts";

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

it("classifiers of other settings are not made in one folder", async () => {
  const root = await mkdtemp(join(tmpdir(), "sweep-"));
  const dryRun = (...overrides: string[]) =>
    runSweep(["experiment=glue_then_debias", "glue=rte", ...overrides], {
      ...{ root, dryRun: true, log: () => {}, output: () => {}, environment: {} },
    });
  expect((await dryRun("finetune.seed=1,2")).points).toHaveLength(2);
  await expect(dryRun("finetune.epochs=1,2")).rejects.toThrow(
    "model.hf_checkpoint: expected a folder for each classifier, got runs/classifiers/bert-base-uncased/rte-42 for some of",
  );
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
