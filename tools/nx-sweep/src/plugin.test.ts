import { mkdtempSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compose } from "@pruning-bias/cli/sweep";
import { fingerprints } from "./fingerprints.ts";
import { projectsOrComplaint, sweepProjects } from "./plugin.ts";

const file = "experiments/small/sweep.json";
const forms = ["direction", "squared_sum"];
const demo = (values: readonly string[], more: object = {}) => ({
  base: ["experiment=demo"],
  grid: { "model.debias_loss_form": values },
  ...more,
});

/** A workspace whose code is this one's. */
function workspace(sweep: unknown): string {
  const root = mkdtempSync(join(tmpdir(), "nx-sweep-"));
  symlinkSync(join(import.meta.dirname, "../../../packages"), join(root, "packages"));
  write(root, file, typeof sweep === "string" ? sweep : JSON.stringify(sweep));
  return root;
}

function write(root: string, path: string, text: string): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
}

const projects = (sweep: unknown) => sweepProjects(workspace(sweep), file);
const named = (sweep: unknown, name: string) => projects(sweep).find((project) => project.name === name);

describe("the projects of a sweep", () => {
  it("are one for each task: the model that is made first, the data, each point and its measurements, the report", () => {
    const all = projects(demo(forms, { glue: ["cola"] }));
    expect(all.map(({ root }) => root)).toEqual([
      expect.stringMatching(/^runs\/pretrained\/[0-9a-f]{8}$/),
      expect.stringMatching(/^runs\/inputs\/[0-9a-f]{8}$/),
      "runs/small/debias_loss_form=direction",
      "runs/small/debias_loss_form=direction/bias",
      "runs/small/debias_loss_form=direction/glue-cola-42",
      "runs/small/debias_loss_form=squared_sum",
      "runs/small/debias_loss_form=squared_sum/bias",
      "runs/small/debias_loss_form=squared_sum/glue-cola-42",
      "runs/small/baseline/bias",
      "runs/small/baseline/glue-cola-42",
      "experiments/small",
    ]);
  });

  it("are one for each GLUE task and seed", () => {
    const all = projects(demo(forms, { glue: ["cola"], glueSeeds: [1, 2] }));
    const baseline = all.filter(({ root }) => root.startsWith("runs/small/baseline/glue"));
    expect(baseline.map(({ name }) => name)).toEqual(["small/baseline/glue-cola-1", "small/baseline/glue-cola-2"]);
    const { options, outputs } = baseline[1]!.targets!["glue-cola-2"]!;
    const { command, env } = options as { command: string; env: Record<string, string> };
    expect(command).toMatch(/ run-glue --task cola --name cola-2 --untouched --out "runs\/small\/baseline"$/);
    expect(JSON.parse(env["RUN_CONFIG"]!)).toMatchObject({ finetune: { seed: 2 } });
    expect(outputs).toEqual(
      ["cola-2.json", "cola-2.sha256", "cola-2"].map((file) => `{workspaceRoot}/runs/small/baseline/glue/${file}`),
    );
    // One more seed changes no other task, nor do the first ones that are named beside the one of the settings.
    for (const [fewer, seeds] of [
      [all, [1, 2, 3]],
      [projects(demo(forms, { glue: ["cola"] })), [42, 43]],
    ] as const) {
      const more = projects(demo(forms, { glue: ["cola"], glueSeeds: seeds }));
      const names = new Set(fewer.map(({ name }) => name));
      names.delete("small");
      for (const name of names)
        expect(more.find((one) => one.name === name)).toEqual(fewer.find((one) => one.name === name));
    }
  });

  it("make the classifier whose encoder is debiased, and score it again as it is", () => {
    const base = ["experiment=glue_then_debias", "model.model_name=bert-base-uncased", "glue=rte"];
    const all = projects({ base, grid: { seed: ["1", "2"] }, glue: ["cola"] });
    const [made, data] = all;
    expect(made).toMatchObject({
      root: expect.stringMatching(/^runs\/classifiers\/bert-base-uncased\/rte-42-[0-9a-f]{8}$/),
      targets: { finetune: { dependsOn: [] } },
    });
    expect(Object.values(data!.targets!)[0]!.dependsOn).toEqual([{ target: "finetune", projects: [made!.name] }]);
    const lines = all.flatMap(({ root, targets }) =>
      root.includes("/glue-") ? [(Object.values(targets!)[0]!.options as { command: string }).command] : [],
    );
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/ run-glue --task rte --name rte-42 --score-only --out "runs\/small\/seed=1"$/);
    expect(lines[1]).toMatch(/ run-glue --task cola --name cola-42 --out "runs\/small\/seed=1"$/);
    expect(lines[4]).toMatch(
      / run-glue --task rte --name rte-42 --score-only --untouched --out "runs\/small\/baseline"$/,
    );
  });

  it("measure each model that points start from", () => {
    const all = projects({ base: [], grid: { "model.model_name": ["m", "n"] } });
    const untouched = all.filter(({ root }) => root.startsWith("runs/small/baseline"));
    expect(untouched.map(({ root }) => root)).toEqual([
      "runs/small/baseline/bias",
      expect.stringMatching(/^runs\/small\/baseline-[0-9a-f]{8}\/bias$/),
    ]);
    const models = untouched.map(({ targets }) => {
      const { env } = targets!["bias"]!.options as { env: Record<string, string> };
      return (JSON.parse(env["RUN_CONFIG"]!) as { model: { model_name: string } }).model.model_name;
    });
    expect(models).toEqual(["m", "n"]);
    const report = all.at(-1)!.targets!["report"]!.dependsOn!;
    for (const { name } of untouched) expect(report).toContainEqual({ target: "bias", projects: [name] });
  });

  it("keep and hash the projection that another method leaves", () => {
    const all = projects({ base: ["model.model_name=m"], grid: { experiment: ["debias_inlp", "debias_cda"] } });
    const root = "runs/small/experiment=debias_inlp";
    const of = (path: string) => Object.values(all.find((project) => project.root === path)!.targets!)[0]!;
    expect(of(root).outputs).toContain(`{workspaceRoot}/${root}/projection.safetensors`);
    expect(JSON.stringify(of(`${root}/bias`).inputs)).toContain("projection}.safetensors");
  });

  it("carry the settings that Nx hashes, references resolved", () => {
    const { options } = named(demo(forms), "small/debias_loss_form=direction")!.targets!["train"]!;
    const config = JSON.parse((options as { env: Record<string, string> }).env["RUN_CONFIG"]!) as object;
    expect(config).toMatchObject({ model: { debias_loss_form: "direction" }, exp_name: "demo/direction" });
    expect(JSON.stringify(config)).not.toContain("${");
  });

  it.each([
    ["at its end", [...forms, "sum_of_squares"]],
    ["in front", ["sum_of_squares", ...forms]],
  ])("stay as they are when the grid grows %s", (_, grown) => {
    for (const point of ["debias_loss_form=direction", "debias_loss_form=squared_sum/bias", "baseline/bias"]) {
      expect(named(demo(grown), `small/${point}`)).toEqual(named(demo(forms), `small/${point}`));
    }
  });
});

describe("a sweep file that cannot be used", () => {
  it.each([
    ["is no JSON", "{"],
    ["names a setting that is gone", demo(forms, { base: ["model.gone=1"] })],
    ["has an empty axis", demo([])],
    ["leaves the workspace", demo(forms, { base: ["experiment=demo", "pretrain_dir=../elsewhere"] })],
    ["holds a command for a shell", demo(forms, { base: ["experiment=demo", "pretrain_dir=runs/$(touch owned)"] })],
    ["ends a quotation", demo(forms, { base: ["experiment=demo", 'pretrain_dir=runs/a" ; touch owned "'] })],
    [
      "makes two models in one folder",
      { base: ["experiment=demo", "pretrain_dir=m"], grid: { "pretrain.steps": [1, 2] } },
    ],
    ["names a task for a shell", demo(forms, { base: ["experiment=glue_then_debias", "glue=cola;touch"] })],
  ])("becomes a project whose report says so, when it %s", (_, sweep) => {
    const all = projectsOrComplaint(workspace(sweep), file);
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({ root: "experiments/small", name: "small", tags: ["sweep:small"] });
    expect(all[0]!.targets!["report"]).toMatchObject({ cache: false });
  });
});

describe("fingerprints", () => {
  const folder = () => {
    const root = workspace(demo(forms));
    for (const path of ["m/config.json", "m/vocab.txt", "m/notes.md", "g/cola/train.tsv", "words.txt"]) {
      write(root, path, path);
    }
    return root;
  };
  const overrides = ["model.model_name=m", "datamodule.glue_data=g", "datamodule.datafiles.attributes_male=words.txt"];
  const of = (root: string) => ({
    ...fingerprints(root, compose(overrides).config, "data"),
    ...fingerprints(root, compose(overrides).config, "glue/cola"),
  });

  it("are of files that a task reads, not of what else lies there", () => {
    const root = folder();
    write(root, "g/rte/train.tsv", "another task's");
    const names = ["attributes_male", "model/config.json", "model/vocab.txt", "glue/cola/train.tsv"];
    expect(Object.keys(of(root))).toEqual(names);
  });

  it.each(["m/vocab.txt", "g/cola/train.tsv", "words.txt"])("change with the contents of %s", (path) => {
    const root = folder();
    const before = of(root);
    write(root, path, "something else");
    expect(of(root)).not.toEqual(before);
  });

  it("are of a model under runs/ too, unless the sweep makes it", () => {
    const root = folder();
    write(root, "runs/other/run/model/config.json", "{}");
    expect(fingerprints(root, compose(["model.model_name=runs/other/run/model"]).config, "data")).toHaveProperty([
      "model/config.json",
    ]);
    const made = compose(["experiment=demo"]).config;
    write(root, join(made.model.model_name, "config.json"), "{}");
    expect(fingerprints(root, made, "data")).toEqual({});
  });
});
