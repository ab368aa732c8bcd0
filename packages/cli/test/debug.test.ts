import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { compose } from "../src/config/compose.ts";
import { run } from "./command-line.ts";
import { smallModel, temporary } from "./small-model.ts";

let small: Awaited<ReturnType<typeof smallModel>>;
beforeAll(async () => {
  small = await smallModel();
});
const json = async (path: string) => JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
const lines = async (path: string) => (await readFile(path, "utf8")).trim().split("\n").length;
/** Many epochs of many steps, which nobody is to wait for. */
const long = ["trainer.max_epochs=50", "trainer.max_steps=null", "trainer.limit_train_batches=null"];
const fine = ["finetune.epochs=50", "finetune.batch_size=8"];

describe("debug=true", () => {
  it("trains on one batch", async () => {
    const out = await temporary();
    const words = [...small.overrides, ...long, "debug=true"];
    const { code, stdout, stderr } = await run(["train", ...words, "--out", out, "--json"]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ steps: 1 });
  });

  it("fine-tunes on one batch and scores one", async () => {
    const out = await temporary();
    const data = small.overrides.filter((override) => /^(data_dir|datamodule\.glue_data)=/.test(override));
    const words = ["--model", small.model, "--task", "cola", ...fine, ...data, "trainer.fast_dev_run=true"];
    const { code, stderr } = await run(["glue", ...words, "--out", out]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("cola step 1/1");
    expect(await json(join(out, "cola-42.json"))).toMatchObject({ epochs: 1, scores: { validation: { examples: 8 } } });
    expect(await lines(join(out, "cola-42/predictions-validation.tsv"))).toBe(1 + 8);
  });

  it("makes the classifier that glue_then_debias starts from of one batch, in a folder of its own, and debiases on one", async () => {
    const own = small.overrides.filter((override) => !/^(experiment|prune_block_size)=/.test(override));
    const { config } = compose(["experiment=glue_then_debias", "glue=cola", ...own, ...long, ...fine, "debug=true"]);
    expect(config.model.hf_checkpoint).toMatch(/^runs\/classifiers\/.*\/cola-42-debug-[0-9a-f]{8}$/);
    const classifier = join(await temporary(), "classifier");
    const tuned = await run(["run-classifier", "--out", classifier], { env: { RUN_CONFIG: JSON.stringify(config) } });
    expect(tuned.code, tuned.stderr).toBe(0);
    expect(await json(join(classifier, "glue.json"))).toMatchObject({ epochs: 1 });
    const out = await temporary();
    const debiased = { ...config, model: { ...config.model, hf_checkpoint: classifier } };
    const trained = await run(["train", "--out", out], { env: { RUN_CONFIG: JSON.stringify(debiased) } });
    expect(trained.code, trained.stderr).toBe(0);
    expect(await json(join(out, "summary.json"))).toMatchObject({ steps: 1 });
  });

  it("pre-trains one step, beside the model that others make", async () => {
    const tiny = ["hidden_size=16", "num_hidden_layers=1", "num_attention_heads=2", "intermediate_size=32"];
    const words = ["experiment=demo", "debug=true", ...[...tiny, "sentences=2500"].map((word) => `pretrain.${word}`)];
    const { config } = compose(words);
    expect(config.pretrain_dir).not.toBe(compose(words.filter((word) => word !== "debug=true")).config.pretrain_dir);
    const out = await temporary();
    const env = { RUN_CONFIG: JSON.stringify({ ...config, data_dir: await temporary() }) };
    const { code, stderr } = await run(["pretrain", "--out", out], { env });
    expect(code, stderr).toBe(0);
    const rows = (await readFile(join(out, "pretrain.jsonl"), "utf8")).trim().split("\n");
    expect(
      rows.filter((row) => /"kind":"step"|"step":1.*"loss"/.test(row)),
      rows.join("\n"),
    ).toHaveLength(1);
    expect(existsSync(join(out, "model/model.safetensors"))).toBe(true);
  });
});
