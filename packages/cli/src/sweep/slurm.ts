import { join } from "node:path";
import { z } from "zod";

/** A word of a script's head: with a line end it would be a command of the script. */
const word = z
  .string()
  .refine((text) => /^[\w.,:=@%+/*()-]+$/.test(text), "expected letters, digits and . , : = @ % + / -");

/** What a cluster wants to know of a job; `slurm.KEY=VALUE` on the command line. */
export const Slurm = z.strictObject({
  partition: word.optional().describe("partition of all jobs"),
  account: word.optional().describe("whose time it is"),
  qos: word.optional().describe("quality of service"),
  time: word.default("24:00:00").describe("limit of one task"),
  gres: word.optional().describe("generic resources of what trains, such as gpu:1"),
  cpus: z.coerce.number().int().positive().default(2).describe("processors of a task, and its threads"),
  memory: word.optional().describe("of a task, such as 8G"),
  at_once: z.coerce.number().int().positive().optional().describe("tasks of an array that run at once"),
});
export type Slurm = z.infer<typeof Slurm>;

/** A script for `sbatch`. */
export interface Script {
  /** `train`. */
  readonly name: string;
  /** The scripts before it, and how it waits for them: their same element, or all of them however they end. */
  readonly after: readonly { readonly name: string; readonly kind: "aftercorr" | "afterany" }[];
  /** The script whose job's number is its argument: an element runs only if the one that it needs there ended well. */
  readonly needs?: string;
  /** Tasks of Nx, one for each element of the array. */
  readonly tasks: readonly string[];
  readonly text: string;
}

export interface SlurmPlan {
  readonly root: string;
  readonly sweep: string;
  /** Each with the targets that measure it, which may differ: a classifier is scored on its own task. */
  readonly points: readonly Measured[];
  /** The untouched models. */
  readonly baselines: readonly Measured[];
  /** Tasks that fine-tune the classifiers that points start from. */
  readonly classifiers: readonly string[];
  /** Tasks that prepare data, of the model of one of the classifiers; where a model is made first, the first of them does. */
  readonly data: readonly { readonly task: string; readonly classifier?: number }[];
  /** Whether a model is made first. */
  readonly pretrains: boolean;
  /** The Node that runs the tasks. */
  readonly node: string;
  readonly slurm: Slurm;
}

/** What is measured, by which targets, and on which of the data. */
export interface Measured {
  readonly name: string;
  readonly targets: readonly string[];
  readonly data: number;
}

/**
 * A sweep as Slurm's array jobs: classifiers → data → train → bias and each GLUE task → report. Each element runs the same Nx task as on
 * one machine, over a cache on the shared file system, so that what is done already takes seconds when it is submitted again.
 */
export function slurmScripts(plan: SlurmPlan): Script[] {
  const { sweep, points, classifiers, data, pretrains, baselines } = plan;
  const measured = [...new Set(points.flatMap(({ targets }) => targets))];
  const after = (name: string, kind: Script["after"][number]["kind"]) => ({ name, kind });
  const nx = (
    name: string,
    elements: readonly (string | undefined)[],
    before: Script["after"],
    { heavy = true, array = true, atOnce = plan.slurm.at_once, isNeeded = false, needs }: Partial<Shape> = {},
  ): Script => {
    const tasks = elements.filter((task) => task !== undefined);
    const text = script(plan, name, elements, { heavy, array, atOnce, isNeeded, needs });
    return { name, after: before, tasks, text, ...(needs && { needs: needs.of }) };
  };
  const taskOf = (name: string, target: string) => `${sweep}/${name}/${target}:${target}`;
  // Elements have the numbers of their points, also where some points have none: they wait for the one of the same number.
  const measurements = measured.map((target) =>
    nx(
      target,
      points.map(({ name, targets }) => (targets.includes(target) ? taskOf(name, target) : undefined)),
      [after("train", "aftercorr")],
    ),
  );
  const untouched = baselines.flatMap(({ targets, ...own }) => targets.map((target) => ({ ...own, target })));
  const classifying = classifiers.length > 0;
  const onData = (elements: readonly Pick<Measured, "data">[]) => ({
    needs: { of: "data", elements: elements.map(({ data }) => data) },
  });
  const onClassifiers = { of: "classifiers", elements: data.map(({ classifier }) => classifier) };
  return [
    ...(classifying ? [nx("classifiers", classifiers, [], { isNeeded: true, ...(pretrains && { atOnce: 1 }) })] : []),
    // One after the other: they may share a model that is made first.
    nx(
      "data",
      data.map(({ task }) => task),
      classifying ? [after("classifiers", "afterany")] : [],
      { heavy: false, atOnce: 1, isNeeded: true, ...(classifying && { needs: onClassifiers }) },
    ),
    nx(
      "train",
      points.map((point) => `${sweep}/${point.name}:train`),
      [after("data", "afterany")],
      onData(points),
    ),
    nx(
      "baseline",
      untouched.map(({ name, target }) => taskOf(name, target)),
      [after("data", "afterany")],
      onData(untouched),
    ),
    ...measurements,
    // Drawn from what there is: a point that failed must not keep the others from being seen.
    nx(
      "report",
      [`${sweep}:report`],
      [...measured, "baseline"].map((name) => after(name, "afterany")),
      {
        ...{ heavy: false, array: false },
      },
    ),
  ];
}

interface Shape {
  /** Computes, and gets what `gres` names. */
  readonly heavy: boolean;
  readonly array: boolean;
  readonly atOnce: number | undefined;
  /** Leaves word of each element that ended well. */
  readonly isNeeded: boolean;
  /** The script, and which of its elements each one needs. */
  readonly needs: { readonly of: string; readonly elements: readonly (number | undefined)[] } | undefined;
}

function script(
  { root, sweep, node, slurm }: SlurmPlan,
  name: string,
  elements: readonly (string | undefined)[],
  { heavy, array, atOnce, isNeeded, needs }: Shape,
): string {
  const limit = atOnce === undefined ? "" : `%${atOnce}`;
  const tasks = elements.flatMap((task, number) => (task === undefined ? [] : [{ task, number }]));
  const numbers = tasks.map(({ number }) => number);
  const range = tasks.length === elements.length ? `0-${elements.length - 1}` : numbers.join(",");
  const options = {
    "job-name": `${sweep}-${name}`,
    chdir: root,
    output: `runs/${sweep}/slurm/${name}-%A${array ? "_%a" : ""}.log`,
    ...(array && { array: `${range}${limit}` }),
    ...{ partition: slurm.partition, account: slurm.account, qos: slurm.qos, time: slurm.time, mem: slurm.memory },
    ...(heavy && { gres: slurm.gres }),
    "cpus-per-task": slurm.cpus,
    "kill-on-invalid-dep": "yes",
  };
  const lines = Object.entries(options).flatMap(([key, value]) =>
    value === undefined ? [] : [`#SBATCH --${key}=${value}`],
  );
  // One that fails must not keep those from running that need others, as an `afterok` for all would.
  const done = `runs/${sweep}/slurm/done`;
  const run = array
    ? [
        `tasks=(\n${tasks.map(({ task, number }) => `  [${number}]=${quoted(task)}\n`).join("")})`,
        ...(needs === undefined ? [] : guard(needs.elements, done, `runs/${sweep}/slurm/${needs.of}`)),
        `${isNeeded ? "" : "exec "}${quoted(node)} --import ./packages/cli/src/sweep/nx-preload.ts node_modules/nx/dist/bin/nx.js run "\${tasks[$SLURM_ARRAY_TASK_ID]}" --outputStyle=stream`,
        ...(isNeeded ? [`mkdir -p ${done}`, `touch "${done}/\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"`] : []),
      ]
    : [`exec ${quoted(node)} packages/cli/src/main.ts report ${quoted(sweep)}`];
  return `${[
    "#!/bin/bash",
    ...lines,
    "set -eu",
    "export NX_DAEMON=false PRUNING_BIAS_THREADS=$SLURM_CPUS_PER_TASK",
    // Scripts and tasks of Nx start `node`, which must be the same everywhere: its version is part of the hash.
    `export PATH=${quoted(join(root, "node_modules/.bin"))}:$PATH`,
    ...run,
  ].join("\n")}\n`;
}

/** Ends an element where what it needs has not ended well; the job's number is the script's argument. */
function guard(elements: readonly (number | undefined)[], done: string, log: string): string[] {
  const numbers = elements.flatMap((needed, number) => (needed === undefined ? [] : [`[${number}]=${needed}`]));
  return [
    `needs=(${numbers.join(" ")})`,
    "need=${needs[$SLURM_ARRAY_TASK_ID]-}",
    `if [ $# -gt 0 ] && [ -n "$need" ] && [ ! -e "${done}/$1_$need" ]; then`,
    `  echo "error: what it needs failed: ${log}-$1_$need.log" >&2`,
    "  exit 1",
    "fi",
  ];
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** `--dependency` of a script, once those before it have numbers. */
export const dependency = ({ after }: Script, jobs: ReadonlyMap<string, string>): string | undefined =>
  after.length === 0 ? undefined : after.map(({ name, kind }) => `${kind}:${jobs.get(name) ?? `<${name}>`}`).join(",");
