import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { compose } from "../config/compose.ts";
import { glueSettings } from "../config/glue-settings.ts";
import { dryRunText, priced } from "./dry-run.ts";
import { runSweep } from "./run-sweep.ts";

const overrides = ["experiment=debias_head_pruning_frozen", "seed=1,2"];
const first = "runs/debias_head_pruning_frozen/seed=1";
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "dry-run-"));
});

async function dryRun(own: readonly string[], more: object = {}) {
  const quiet = { dryRun: true, log: () => {}, output: () => {}, environment: {} };
  return priced(await runSweep(own, { root, ...quiet, ...more }), { gflops: 200, hubCache: "/nowhere", root });
}

async function leave(path: string, value: unknown = {}): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, `${path}.json`), JSON.stringify(value));
  await writeFile(join(root, `${path}.sha256`), "");
}

/** The results of a trained point with its bias tests. */
async function trained(folder: string, own: readonly string[]): Promise<void> {
  await leave(join(folder, "bias"));
  await writeFile(join(root, folder, "config.json"), JSON.stringify(compose(own).config));
  await writeFile(join(root, folder, "train.sha256"), "");
}
const leaveFirst = () => trained(first, [overrides[0]!, "seed=1"]);

describe("what a dry run says is still to be done", () => {
  it("is all of it where nothing is there", async () => {
    const { points, shared } = await dryRun(overrides, { glue: ["cola", "rte"], glueSeeds: [3, 4], where: true });
    const measured = ["bias", "where", "glue-cola-3", "glue-cola-4", "glue-rte-3", "glue-rte-4"];
    expect(points.map(({ toDo }) => toDo)).toEqual([
      ["train", ...measured],
      ["train", ...measured],
    ]);
    expect(shared.map(({ name, toDo }) => [name, toDo])).toEqual([["baseline", measured]]);
  });

  it("is what nobody asked for before: GLUE by task and seed, and where bias sits", async () => {
    await leaveFirst();
    const { points } = await dryRun(overrides);
    expect(points.map(({ toDo, done }) => [toDo, done])).toEqual([
      [[], true],
      [["train", "bias"], false],
    ]);
    const asked = { glue: ["cola"], glueSeeds: [3, 4], where: true };
    await leave(`${first}/glue/cola-3`, { settings: glueSettings(compose(["experiment=debias"]).config, 3) });
    const [begun] = (await dryRun(overrides, asked)).points;
    expect(begun).toMatchObject({ toDo: ["where", "glue-cola-4"], done: false });
    expect(begun!.cost).toMatchObject({ steps: 0, trainSeconds: 0, biasSeconds: 0 });
    // One of two seeds.
    const [, untouched] = (await dryRun(overrides, asked)).points;
    expect(untouched!.cost.glueSeconds! / begun!.cost.glueSeconds!).toBeCloseTo(2, 5);
  });

  it("is what was measured with other settings, or has lost its digest", async () => {
    await leaveFirst();
    await leave(`${first}/glue/cola-42`, { settings: glueSettings(compose(["experiment=debias"]).config) });
    const toDo = async (...more: string[]) => {
      const { points } = await dryRun([...overrides, ...more, "name=debias_head_pruning_frozen"], { glue: ["cola"] });
      return points[0]!.toDo;
    };
    expect(await toDo()).toEqual([]);
    expect(await toDo("finetune.learning_rate=1e-3")).toEqual(["glue-cola-42"]);
    expect(await toDo("datamodule.glue_data=elsewhere")).toEqual(["glue-cola-42"]);
    expect(await toDo("model.loss_beta=1")).toEqual(["train", "bias", "glue-cola-42"]);
    await rm(join(root, first, "bias.sha256"));
    expect(await toDo()).toEqual(["bias"]);
    await rm(join(root, first, "train.sha256"));
    expect(await toDo()).toEqual(["train", "bias", "glue-cola-42"]);
  });

  it("has a classifier that points start from, once", async () => {
    const own = ["experiment=glue_then_debias", "glue=rte", "seed=1,2"];
    const before = await dryRun(own, { glue: ["cola"] });
    expect(before.points[0]!.toDo).toEqual(["train", "bias", "glue-rte-42", "glue-cola-42"]);
    expect(before.shared.map(({ name, toDo }) => [name, toDo])).toEqual([
      [expect.stringMatching(/^classifiers\/bert-base-uncased\/rte-42-[0-9a-f]{8}$/), ["finetune"]],
      ["baseline", ["bias", "glue-rte-42", "glue-cola-42"]],
    ]);
    const folder = before.shared[0]!.folder;
    await leave(`${folder}/glue`, { settings: glueSettings(compose(own.slice(0, 2)).config) });
    await writeFile(join(root, folder, "SHA256SUMS"), "");
    expect((await dryRun(own)).shared[0]).toMatchObject({ toDo: [], done: true, cost: { glueSeconds: 0, bytes: 0 } });
  });
});

it("what points share is listed whole, and named in short", async () => {
  const text = dryRunText(await dryRun(["experiment=glue_then_debias", "glue=cola,rte,mrpc"]));
  expect(text.match(/^ {2}(classifiers\/|baseline)/gm)).toHaveLength(6);
  expect(text).toMatch(/^to do: 3 of 3 points, classifiers\/\S+\/cola-42-\w+, classifiers\/\S+\/rte-42-\w+, 4 more; /m);
});

it("people read what is left and its sum", async () => {
  await leaveFirst();
  const text = dryRunText(await dryRun(overrides, { where: true }));
  expect(text.split("\n")).toEqual([
    expect.stringMatching(/^ {2}seed=1 {4}left: where; where bias sits .* at most, 1 MB on disk, .* of memory$/),
    expect.stringMatching(
      /^ {2}seed=2 {4}24,600 steps, training .*, bias tests .*, where bias sits .*, \d+ MB on disk/,
    ),
    expect.stringMatching(/^ {2}baseline {2}left: bias, where; bias tests .* s, where bias sits/),
    expect.stringMatching(/^to do: 2 of 2 points, baseline; 24,600 steps, training .* \(estimated from/),
  ]);
  await trained("runs/debias_head_pruning_frozen/seed=2", [overrides[0]!, "seed=2"]);
  await leave("runs/debias_head_pruning_frozen/baseline/bias");
  const done = dryRunText(await dryRun(overrides)).split("\n");
  expect(done).toEqual(["  seed=1    done", "  seed=2    done", "  baseline  done", "to do: nothing of 2 points"]);
});
