import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { loadCheckpoint } from "@pruning-bias/model";
import { expect, it } from "vitest";
import { run } from "./command-line.ts";
import { smallModel } from "./small-model.ts";
import { copyOfWorkspace } from "./workspace-copy.ts";

it("a classifier is fine-tuned, its encoder debiased and it is scored again; another seed runs alone", async () => {
  const root = await copyOfWorkspace();
  const { overrides } = await smallModel();
  const own = overrides.filter((override) => !/^(prune_block_size|experiment)=/.test(override));
  const quick = ["finetune.epochs=1", "finetune.batch_size=8", "finetune.limit_train=24", "model.learning_rate=1e-2"];
  const words = (seeds: string) => [
    ...["sweep", "name=then", "experiment=glue_then_debias", "glue=cola"],
    ...[...own, ...quick, `finetune.seed=${seeds}`, "--json"],
  ];
  const sweep = async (seeds: string) => {
    const { code, stderr } = await run(words(seeds), { root });
    expect(code, stderr).toBe(0);
    return /Cache:\s+(\d+)\/(\d+) hit/.exec(stripVTControlCharacters(stderr))?.slice(1).map(Number);
  };
  const json = async (path: string) => JSON.parse(await readFile(join(root, "runs/then", path), "utf8"));

  await sweep("42,43");
  const [before, after] = [await json("baseline/glue/cola-42.json"), await json("seed=42/glue/cola-42.json")];
  for (const result of [before, after]) expect(result).toMatchObject({ task: "cola", seed: 42, keep: "as it was" });
  expect(after.scores.validation.loss).not.toBe(before.scores.validation.loss);
  const { model } = (await json("seed=42/config.json")) as { model: { hf_checkpoint: string } };
  const [classifier, debiased] = await Promise.all(
    [join(root, model.hf_checkpoint), join(root, "runs/then/seed=42/model")].map((folder) => loadCheckpoint(folder)),
  );
  // The head is kept, the encoder is another.
  expect(debiased!.weights["classifier.weight"]!.data).toEqual(classifier!.weights["classifier.weight"]!.data);
  const query = "encoder.layer.0.attention.self.query.weight";
  expect(debiased!.weights[query]!.data).not.toEqual(classifier!.weights[query]!.data);
  const made = JSON.parse(await readFile(join(root, model.hf_checkpoint, "glue.json"), "utf8"));
  expect(made.metrics).toEqual(before.metrics);

  const { stdout } = await run([...words("42,43,44"), "--dry-run"], { root });
  type Listed = { name: string; toDo: string[] }[];
  const { points, shared } = JSON.parse(stdout) as { points: Listed; shared: Listed };
  expect(points.map(({ toDo }) => toDo)).toEqual([[], [], ["train", "bias", "glue-cola-44"]]);
  expect(shared.map(({ name, toDo }) => [/-(\d+)-\w+$/.exec(name)?.[1] ?? name, toDo])).toEqual([
    ["42", []],
    ["43", []],
    ["44", ["finetune"]],
    ["baseline", []],
    [expect.stringMatching(/^baseline-/), []],
    [expect.stringMatching(/^baseline-/), ["bias", "glue-cola-44"]],
  ]);

  // Of a seed: classifier, data, training, bias and score, and the last two of the classifier as it was; the report.
  expect(await sweep("42,43,44")).toEqual([14, 22]);
}, 300_000);
