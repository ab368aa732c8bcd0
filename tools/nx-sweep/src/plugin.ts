import { basename, dirname, join } from "node:path";
import {
  type CreateNodes,
  createNodesFromFiles,
  type ProjectConfiguration,
  type TargetConfiguration,
} from "@nx/devkit";
import { BASELINE, compose, Config, points, readSweepFile, UsageError } from "@pruning-bias/cli/sweep";
import { fingerprints } from "./fingerprints.ts";

export const name = "@pruning-bias/nx-sweep";

/**
 * Turns each `experiments/NAME/sweep.json` into a project for each point of its grid, whose root is the folder of its
 * results, one for the untouched model, one for a model that is made first, and NAME itself with the report.
 *
 * A point is a project of its own, not a target of NAME, because Nx hashes a project's whole configuration into each of
 * its tasks: a grid that grows would otherwise throw away every finished run.
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

type Project = ProjectConfiguration & { name: string };

/** What computes; Nx would otherwise hash every dependency, and a new linter would train all models anew. */
const computes = [
  ...["@tensorflow/tfjs", "onnxruntime-node", "@huggingface/tokenizers"],
  ...["apache-arrow", "hyparquet", "pure-rand", "zod"],
];
const code = ["^production", { externalDependencies: computes }];
const results = [...code, { dependentTasksOutputFiles: "**/*", transitive: true }];
// `production` leaves out what draws the report, or a new colour would train all models anew.
const draws = [
  "{workspaceRoot}/packages/cli/src/report/**/*",
  { externalDependencies: [...computes, "vega", "vega-lite"] },
];

/** A run depends on the sources of the command line and of all below it. */
const implicitDependencies = ["cli"];

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
    const complaint = { ...command(`sweep name=${name} --dry-run`, undefined, {}), cache: false };
    return [
      { root: dirname(file), name, tags: [`sweep:${name}`], implicitDependencies, targets: { report: complaint } },
    ];
  }
}

export function sweepProjects(workspaceRoot: string, file: string): Project[] {
  const sweep = readSweepFile(join(workspaceRoot, file));
  const name = basename(dirname(file));
  const runs = points(sweep).map((point) => ({ point, config: compose(point.overrides).config }));
  const made = runs.flatMap(({ config }) => (config.pretrain === null ? [] : [pretrainProject(config)]));
  const measured = (config: Config, after?: string) => measurements(workspaceRoot, config, sweep.glue, after);
  const projects = runs.map(({ point, config }): Project => {
    const targets = { train: train(workspaceRoot, config), ...measured(config, "train") };
    return { ...project(name, point.name), targets };
  });
  const baseline = { ...project(name, BASELINE), targets: measured(untouched(runs[0]!.config)) };
  const all = [...projects, baseline];
  return [...unique(made), ...all, sweepProject(name, all)];
}

/** The settings that matter to a model before it is trained: the baseline stays done when the grid changes. */
function untouched({ model, trainer, ...config }: Config): Config {
  const { model_name, hf_checkpoint } = model;
  const { gpus, precision } = trainer;
  const { datamodule, finetune, pretrain, pretrain_dir, data_dir, backend, threads, seed } = config;
  const shared = { datamodule, finetune, pretrain, pretrain_dir, data_dir, backend, threads, seed };
  return Config.parse({ ...shared, model: { model_name, hf_checkpoint }, trainer: { gpus, precision } });
}

function project(sweep: string, point: string): Project {
  return { root: `runs/${sweep}/${point}`, name: `${sweep}/${point}`, tags: [`sweep:${sweep}`], implicitDependencies };
}

function train(workspaceRoot: string, config: Config): TargetConfiguration {
  return {
    ...command("train", "{projectRoot}", environment(workspaceRoot, config)),
    dependsOn: pretrained(config),
    inputs: results,
    outputs: ["config.json", "metrics.jsonl", "summary.json", "masks.json", "scores.safetensors", "model"].map(
      (output) => `{projectRoot}/${output}`,
    ),
  };
}

/** Bias tests and GLUE tasks, of a trained point or of the model as it is. */
function measurements(
  workspaceRoot: string,
  config: Config,
  tasks: readonly string[],
  after?: string,
): Record<string, TargetConfiguration> {
  const env = environment(workspaceRoot, config);
  const dependsOn = after === undefined ? pretrained(config) : [after];
  const source = after === undefined ? " --untouched" : "";
  const target = (line: string, output: string) => ({
    ...command(line + source, "{projectRoot}", env),
    dependsOn,
    inputs: results,
    outputs: [`{projectRoot}/${output}`],
  });
  return {
    bias: target("run-bias", "bias.json"),
    ...Object.fromEntries(
      tasks.map((task) => [`glue-${task}`, target(`run-glue --task ${task}`, `glue/${task}.json`)]),
    ),
  };
}

function pretrainProject(config: Config): Project {
  const root = config.pretrain_dir;
  const { pretrain, data_dir, backend } = config;
  const env = { RUN_CONFIG: JSON.stringify({ pretrain, data_dir, backend }) };
  return {
    root,
    name: pretrainName(config),
    implicitDependencies,
    targets: {
      pretrain: {
        ...command("pretrain", "{projectRoot}", env),
        inputs: code,
        outputs: ["{projectRoot}/model", "{projectRoot}/data", "{projectRoot}/pretrain.jsonl"],
      },
    },
  };
}

function sweepProject(sweep: string, all: readonly Project[]): Project {
  const dependsOn = all.flatMap(({ name, targets = {} }) =>
    Object.keys(targets).map((target) => ({ target, projects: [name] })),
  );
  return {
    root: `experiments/${sweep}`,
    name: sweep,
    tags: [`sweep:${sweep}`],
    implicitDependencies,
    targets: {
      report: {
        ...command(`report ${sweep}`, undefined, {}),
        dependsOn,
        inputs: [...results, ...draws, "{projectRoot}/sweep.json"],
        outputs: ["report.html", "results.csv"].map((output) => `{workspaceRoot}/runs/${sweep}/${output}`),
      },
    },
  };
}

const command = (line: string, out: string | undefined, env: Record<string, string>): TargetConfiguration => ({
  executor: "nx:run-commands",
  cache: true,
  options: {
    command: `node packages/cli/src/main.ts ${line}${out === undefined ? "" : ` --out "${out}"`}`,
    env,
  },
});

/** The resolved settings travel in the environment, which Nx hashes: what a preset says elsewhere does not matter. */
const environment = (workspaceRoot: string, config: Config): Record<string, string> => ({
  RUN_CONFIG: JSON.stringify(config),
  RUN_INPUTS: JSON.stringify(fingerprints(workspaceRoot, config)),
});

const pretrained = (config: Config) =>
  config.pretrain === null ? [] : [{ target: "pretrain", projects: [pretrainName(config)] }];

const pretrainName = ({ pretrain_dir }: Config): string => pretrain_dir.replace(/^runs\//, "");

const unique = (projects: readonly Project[]): Project[] => [
  ...new Map(projects.map((project) => [project.root, project])).values(),
];
