import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { glueTasks, type GlueTaskInfo } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { beforeAll, describe, expect, it } from "vitest";
import { run } from "./command-line.ts";
import { smallModel, temporary } from "./small-model.ts";

let small: Awaited<ReturnType<typeof smallModel>>;
beforeAll(async () => {
  small = await smallModel();
});

const quick = ["finetune.epochs=1", "finetune.batch_size=8", "finetune.limit_train=24"];
const glue = async (args: readonly string[], out?: string) => {
  const folder = out ?? join(await temporary(), "glue");
  const given = new Set(args.map((argument) => argument.split("=", 1)[0]));
  const data = small.overrides.filter((override) => /^(data_dir|datamodule\.glue_data)=/.test(override));
  const rest = data.filter((override) => !given.has(override.split("=", 1)[0]!));
  return { ...(await run(["glue", ...args, ...rest, "--out", folder])), out: folder };
};
const metrics = async (out: string, name: string) =>
  (JSON.parse(await readFile(join(out, `${name}.json`), "utf8")) as { metrics: object }).metrics;

describe("glue on what a pruning run leaves", () => {
  let pruned: string;
  beforeAll(async () => {
    pruned = join(small.dir, "pruned");
    const heads = ["pruning.attention_block_rows=head", "pruning.attention_block_cols=head"];
    const closing = ["pruning.mask_scores_learning_rate=2", "pruning.final_threshold=.4"];
    const settings = [...small.overrides, "experiment=debias_head_pruning_frozen", ...heads, ...closing];
    const { code, stderr } = await run(["train", ...settings, "--out", pruned]);
    if (code !== 0) throw new Error(stderr);
  }, 60_000);

  it.each(["dense", "compact"])(
    "fine-tunes a %s export, and scores what it saved the same again",
    async (form) => {
      const [model, saved] = [join(small.dir, form), join(small.dir, `${form}-cola`)];
      const exported = await run(["export", pruned, "--to", model, "--form", form]);
      expect(exported.code, exported.stderr).toBe(0);
      const first = await glue(["--model", model, "--task", "cola", "--save", saved, ...quick]);
      expect(first.code, first.stderr).toBe(0);
      // What is closed there is nothing but zeros; of what is gone nothing can open.
      const told = /% of the encoder's weights are 0, .* may open them again;/.test(first.stderr);
      expect(told, first.stderr).toBe(form === "dense");
      const { config } = await loadCheckpoint(saved);
      expect(config.compact_layers).toEqual((await loadCheckpoint(model)).config.compact_layers);
      expect(config.compact_layers === undefined).toBe(form === "dense");
      const again = await glue(["--model", saved, "--task", "cola", "--score-only"]);
      expect(again.code, again.stderr).toBe(0);
      expect(await metrics(again.out, "cola-42")).toEqual(await metrics(first.out, "cola-42"));
      // What is gone cannot be masked.
      const scores = join(pruned, "scores.safetensors");
      const masked = await glue(["--model", model, "--scores", scores, "--task", "cola", ...quick]);
      const refusal = "scores.safetensors: expected a model with all heads and neurons under scores, got one that is";
      expect([masked.code, masked.stderr.includes(refusal)]).toEqual(form === "dense" ? [0, false] : [1, true]);
    },
    60_000,
  );

  it("masks the base model with its scores, as a dense export computes", async () => {
    const scores = ["--scores", join(pruned, "scores.safetensors")];
    const frozen = [...quick, "finetune.freeze_encoder=true", "--task", "cola"];
    const masked = await glue(["--model", small.model, ...scores, ...frozen]);
    expect(masked.stderr).not.toContain("may open");
    const dense = await glue(["--model", join(small.dir, "dense"), ...frozen]);
    expect(await metrics(masked.out, "cola-42")).toEqual(await metrics(dense.out, "cola-42"));
  });
});

describe("glue on files of one's own", () => {
  /** A folder with every split of a task, 24 examples each. */
  const written = async (tasks: readonly string[], label: (task: string, n: number) => number | string) => {
    const dir = await temporary();
    for (const task of tasks) {
      const { columns, validation, test }: GlueTaskInfo = glueTasks[task as keyof typeof glueTasks];
      await mkdir(join(dir, task));
      for (const split of ["train", ...validation, ...Object.keys(test)]) {
        const held = Object.hasOwn(test, split);
        const rows = Array.from({ length: 24 }, (_, n) => {
          const texts = columns.map((_, column) => `the ${n % 2 ? "doctor" : "nurse"} said ${column} ${n}`);
          return [...texts, held ? -1 : label(task, n), n].join("\t");
        });
        await writeFile(join(dir, task, `${split}.tsv`), [[...columns, "label", "idx"].join("\t"), ...rows].join("\n"));
      }
    }
    return dir;
  };
  const classes = (task: string, n: number) => n % Math.max(2, glueTasks[task as keyof typeof glueTasks].labels);
  const all = Object.keys(glueTasks);

  it("goes over all nine tasks, both sets of MNLI, and writes all submissions", async () => {
    const dir = await written(all, classes);
    const settings = [...quick, `datamodule.glue_data=${dir}`, "finetune.predict_test=true"];
    const { code, stdout, stderr, out } = await glue([
      ...["--model", small.model, "--task", all.join(","), "--json"],
      ...settings,
    ]);
    expect(code, stderr).toBe(0);
    const { tasks } = JSON.parse(stdout) as { tasks: { task: string; metrics: object }[] };
    expect(tasks.map(({ task }) => task)).toEqual(all);
    expect(Object.keys(tasks.find(({ task }) => task === "mnli")!.metrics)).toEqual([
      "accuracy",
      "accuracy validation_mismatched",
    ]);
    const files = await Promise.all(all.map((task) => readdir(join(out, `${task}-42`))));
    const submissions = Object.values(glueTasks).flatMap(({ test }) => Object.values(test));
    expect(files.flat().filter((name) => !name.startsWith("predictions-"))).toEqual(submissions);
    const mismatched = await readFile(join(out, "mnli-42/MNLI-mm.tsv"), "utf8");
    expect(mismatched.split("\n")[0]).toBe("index\tprediction");
    expect(mismatched.split("\n")[1]).toMatch(/^0\t(entailment|neutral|contradiction)$/);
  }, 120_000);

  it("names the place of a label out of range and a missing split, and runs the other tasks", async () => {
    const dir = await written(["cola", "rte"], (task, n) => (task === "cola" && n === 3 ? 2 : n % 2));
    const { code, stderr, out } = await glue([
      ...["--model", small.model, "--task", "cola,sst2,rte", ...quick, `datamodule.glue_data=${dir}`],
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cola\/train\.tsv:5: expected an integer from 0 to 1 in label, got 2/);
    expect(stderr).toMatch(/sst2: expected train-\S+ or train\.tsv, found neither/);
    expect(existsSync(join(out, "rte-42.json"))).toBe(true);
    expect(existsSync(join(out, "cola-42.json"))).toBe(false);
  }, 60_000);
});
