import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadCheckpoint } from "@pruning-bias/model";
import { expect, it } from "vitest";
import { run } from "./command-line.ts";
import { smallModel, temporary } from "./small-model.ts";

it("a classifier's encoder is debiased, its head kept to the bit, and it is scored again as it then is", async () => {
  const small = await smallModel();
  const dir = await temporary();
  const data = small.overrides.filter((override) => /^(data_dir|datamodule\.glue_data)=/.test(override));
  const glue = async (model: string, out: string, more: readonly string[]) => {
    const words = ["glue", "--model", model, "--task", "cola", ...data, "--out", join(dir, out), ...more];
    const { code, stderr } = await run(words);
    expect(stderr).not.toContain("error");
    expect(code).toBe(0);
    const result = JSON.parse(await readFile(join(dir, out, "cola-42.json"), "utf8")) as Record<string, unknown>;
    const predictions = await readFile(join(dir, out, "cola-42/predictions-validation.tsv"), "utf8");
    return { result, predictions };
  };

  const quick = ["finetune.epochs=1", "finetune.batch_size=8", "finetune.limit_train=40"];
  const classifier = join(dir, "classifier");
  const before = await glue(small.model, "before", [...quick, "--save", classifier]);

  const out = join(dir, "run");
  const own = small.overrides.filter((override) => !/^(experiment|prune_block_size|model\.model_name)=/.test(override));
  const trained = await run([
    ...["train", "experiment=glue_then_debias", "glue=cola", `model.hf_checkpoint=${classifier}`, ...own],
    ...["model.learning_rate=1e-2", "--out", out],
  ]);
  expect(trained.stderr).not.toContain("error");
  expect(trained.code).toBe(0);

  const [first, debiased] = await Promise.all([classifier, join(out, "model")].map(loadCheckpoint));
  expect(Object.keys(debiased!.weights).toSorted()).toEqual(Object.keys(first!.weights).toSorted());
  const same = Object.entries(first!.weights).map(([name, { data }]) => ({
    isHead: /^(classifier|pooler)\./.test(name),
    same: data.every((value, i) => Object.is(value, debiased!.weights[name]!.data[i])),
  }));
  expect(same.filter(({ isHead }) => isHead).map((own) => own.same)).toEqual(Array(4).fill(true));
  expect(same.filter((own) => !own.isHead && !own.same).length).toBeGreaterThan(10);

  const unchanged = await glue(classifier, "unchanged", ["--score-only"]);
  expect(unchanged.predictions).toBe(before.predictions);
  const after = await glue(join(out, "model"), "after", ["--score-only"]);
  expect(after.result).toMatchObject({ task: "cola", epochs: 0 });
  expect(after.predictions).not.toBe(before.predictions);
});

it("a point alone says where its classifier was to be, and what makes it", async () => {
  const { stderr, code } = await run(["train", "experiment=glue_then_debias", "--out", await temporary()]);
  expect(stderr).toMatch(
    /^error: model\.hf_checkpoint: expected a classifier of cola in runs\/classifiers\/bert-base-uncased\/cola-42-[0-9a-f]{8}, got none; a sweep fine-tunes it first: pruning-bias sweep\n$/,
  );
  expect(code).toBe(2);
});
