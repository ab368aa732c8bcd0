import { basename, dirname, join } from "node:path";
import { type CreateNodes, createNodesFromFiles } from "@nx/devkit";
import {
  type Asked,
  baselines,
  pretrainSettings,
  classifierOf,
  classifierSettings,
  compose,
  composedPoints,
  type Config,
  dataProject,
  dataSettings,
  type GlueRun,
  measurements,
  readSweepFile,
  trainSettings,
  UsageError,
} from "@pruning-bias/cli/sweep";
import { command, type Project, type TaskMaker, tasks } from "./task.ts";

export const name = "@pruning-bias/nx-sweep";

/**
 * Turns each `experiments/NAME/sweep.json` into projects: the data, the training of each point of its grid, whose root is the
 * folder of its results, each measurement of a point and of the untouched model, and NAME itself with the report.
 *
 * A task is a project of its own because Nx hashes a project's whole configuration into each of its tasks: a grid that
 * grows, or one more GLUE task, would otherwise throw away every finished run.
 */
export const createNodes: CreateNodes = [
  "experiments/*/sweep.json",
  (files, options, context) =>
    createNodesFromFiles(
      (file) => {
        const projects = projectsOrComplaint(context.workspaceRoot, file);
        return { projects: Object.fromEntries(projects.map((project) => [project.root, project])) };
      },
      files,
      options,
      context,
    ),
];

/**
 * The projects of a sweep; of a file that cannot be read, or whose settings are no longer known, one whose report says so:
 * an error here would stop every command of Nx, that of other sweeps too.
 */
export function projectsOrComplaint(workspaceRoot: string, file: string): Project[] {
  try {
    return sweepProjects(workspaceRoot, file);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const name = basename(dirname(file));
    // A shell reads this; a folder may be called anything.
    const complaint = { ...command(`sweep name=${name.replaceAll(/[^\w.-]/g, "_")} --dry-run`), cache: false };
    return [{ root: dirname(file), name, tags: [`sweep:${name}`], targets: { report: complaint } }];
  }
}

export function sweepProjects(workspaceRoot: string, file: string): Project[] {
  const sweep = readSweepFile(join(workspaceRoot, file));
  const name = basename(dirname(file));
  const task = tasks(workspaceRoot);
  const runs = composedPoints(sweep);
  // Its seed is that of the sweep and of no point, so that it stays done when the seeds of a grid change.
  const { seed } = compose(sweep.base).config;
  const untouched = baselines(runs).map(({ name, config }) => ({ name, config: { ...config, seed } }));
  const all = [
    ...runs.flatMap(({ name: point, config }) => [
      ...before(task, config),
      train(task, name, point, config),
      ...measured(task, name, point, config, sweep, true),
    ]),
    ...untouched.flatMap((model) => [
      ...before(task, model.config),
      ...measured(task, name, model.name, model.config, sweep, false),
    ]),
  ];
  const projects = [...new Map(all.map((project) => [project.root, project])).values()];
  return [...projects, report(task, name, projects)];
}

/** What is made before a point is run: the model where it is made up, and the data. */
function before(task: TaskMaker, config: Config): Project[] {
  return [
    ...(config.pretrain === null ? [] : [pretrain(task, config)]),
    ...(classifierOf(config) === undefined ? [] : [classifier(task, config)]),
    data(task, config),
  ];
}

function pretrain(task: TaskMaker, config: Config): Project {
  const { pretrain_dir: root } = config;
  return task({
    ...{ root, name: pretrainName(config), target: "pretrain", line: "pretrain", out: root },
    settings: pretrainSettings(config),
    outputs: ["model", "data", "pretrain.jsonl", "pretrain.sha256"],
  });
}

/** The classifier whose encoder is debiased. */
function classifier(task: TaskMaker, config: Config): Project {
  const { root, name, task: glue } = classifierOf(config)!;
  const untuned = task.files({ ...config, model: { ...config.model, hf_checkpoint: null } }, "data");
  const base = Object.fromEntries(Object.entries(untuned).filter(([file]) => file.startsWith("model")));
  return task({
    ...{ root, name, target: "finetune", line: "run-classifier", out: root },
    ...{ settings: classifierSettings(config), files: { ...base, ...task.files(config, `glue/${glue}`) } },
    dependsOn: afterPretrain(config),
    outputs: [
      "config.json",
      "model.safetensors",
      "*.txt",
      "tokenizer*.json",
      "special_tokens_map.json",
      "SHA256SUMS",
      "glue.json",
      "glue.sha256",
      "glue",
    ],
  });
}

const afterPretrain = (config: Config) =>
  config.pretrain === null ? [] : [{ target: "pretrain", projects: [pretrainName(config)] }];

/** Downloads and prepares what runs read, and says what it holds: its `inputs.json` is what their hashes hold of it. */
function data(task: TaskMaker, config: Config): Project {
  const name = dataProject(config);
  const root = `runs/${name}`;
  return task({
    ...{ root, name, target: "data", line: "run-data", out: root },
    ...{ settings: dataSettings(config), files: task.files(config, "data") },
    dependsOn: [...afterPretrain(config), ...afterClassifier(config)],
    outputs: ["inputs.json"],
  });
}

function afterClassifier(config: Config) {
  const found = classifierOf(config);
  return found === undefined ? [] : [{ target: "finetune", projects: [found.name] }];
}

const afterData = (config: Config) => ({ target: "data", projects: [dataProject(config)] });

function train(task: TaskMaker, sweep: string, point: string, config: Config): Project {
  const root = `runs/${sweep}/${point}`;
  return task({
    ...{ root, name: `${sweep}/${point}`, sweep, target: "train", line: "train", out: root },
    ...{ settings: trainSettings(config), data: `runs/${dataProject(config)}/inputs.json` },
    dependsOn: [afterData(config)],
    outputs: [
      "config.json",
      "metrics.jsonl",
      "summary.json",
      "masks.json",
      "scores.safetensors",
      "projection.safetensors",
      "model",
      "train.sha256",
    ],
  });
}

/** Bias tests and GLUE tasks, of a trained point or of the model as it is: a project each, so that one more changes none. */
function measured(
  task: TaskMaker,
  sweep: string,
  point: string,
  config: Config,
  asked: Asked,
  isTrained: boolean,
): Project[] {
  const out = `runs/${sweep}/${point}`;
  const source = isTrained ? "" : " --untouched";
  const trainedPoint = isTrained ? [{ target: "train", projects: [`${sweep}/${point}`] }] : [];
  const dependsOn = [...trainedPoint, afterData(config)];
  const reads = ["**/inputs.json", "**/{scores,projection}.safetensors", "**/model/*"];
  const measure = (target: string, line: string, outputs: string[], settings: object, files?: Record<string, string>) =>
    task({
      ...{ root: `${out}/${target}`, name: `${sweep}/${point}/${target}`, sweep, target, line: line + source, out },
      ...{ settings, dependsOn, reads, outputs, ...(files && { files }) },
    });
  // The task of a classifier is what it was fine-tuned on before: it is scored as debiasing left it.
  const measureGlue = ({ name, task: own, seed, scoreOnly }: GlueRun) => {
    const settings = { ...config, finetune: { ...config.finetune, seed } };
    const line = `run-glue --task ${own} --name ${name}${scoreOnly ? " --score-only" : ""}`;
    return measure(
      `glue-${name}`,
      line,
      [`glue/${name}.json`, `glue/${name}.sha256`, `glue/${name}`],
      settings,
      task.files(config, `glue/${own}`),
    );
  };
  return measurements(config, asked).map(({ target, glue }) =>
    glue === undefined
      ? measure(target, `run-${target}`, [`${target}.json`, `${target}.sha256`], trainSettings(config))
      : measureGlue(glue),
  );
}

function report(task: TaskMaker, sweep: string, all: readonly Project[]): Project {
  const line = `report ${sweep}`;
  return task({
    ...{ root: `experiments/${sweep}`, name: sweep, sweep, target: "report", line, settings: undefined },
    dependsOn: all.flatMap(({ name, targets = {} }) =>
      Object.keys(targets).map((target) => ({ target, projects: [name] })),
    ),
    reads: [
      "**/{config,summary,masks,bias,where}.json",
      "**/metrics.jsonl",
      "**/glue/*.json",
      "**/scores.safetensors",
      "**/*.sha256",
    ],
    inputs: ["{projectRoot}/sweep.json"],
    outputs: ["report.html", "results.csv", "results.tex", "report.sha256"].map(
      (file) => `{workspaceRoot}/runs/${sweep}/${file}`,
    ),
  });
}

const pretrainName = ({ pretrain_dir }: Config): string => pretrain_dir.replace(/^runs\//, "");
