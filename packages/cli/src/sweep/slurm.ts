import { join } from "node:path";
import { z } from "zod";
import type { Point } from "./points.ts";

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
  /** The scripts before it, and how it waits for them: their same element, all of them well, or all of them anyhow. */
  readonly after: readonly { readonly name: string; readonly kind: "aftercorr" | "afterok" | "afterany" }[];
  /** Tasks of Nx, one for each element of the array. */
  readonly tasks: readonly string[];
  readonly text: string;
}

export interface SlurmPlan {
  readonly root: string;
  readonly sweep: string;
  readonly points: readonly Point[];
  readonly glue: readonly string[];
  readonly where: boolean;
  /** Tasks that prepare data, and models that are made. */
  readonly data: readonly string[];
  /** The Node that runs the tasks. */
  readonly node: string;
  readonly slurm: Slurm;
  /** Names the untouched model. */
  readonly baseline: string;
}

/**
 * A sweep as Slurm's array jobs: data → train → bias and each GLUE task → report. Each element runs the same Nx task as on
 * one machine, over a cache on the shared file system, so that what is done already takes seconds when it is submitted again.
 */
export function slurmScripts(plan: SlurmPlan): Script[] {
  const { sweep, points, glue, where, data, baseline } = plan;
  const measured = ["bias", ...(where ? ["where"] : []), ...glue.map((task) => `glue-${task}`)];
  const after = (name: string, kind: Script["after"][number]["kind"]) => ({ name, kind });
  const nx = (
    name: string,
    tasks: readonly string[],
    before: Script["after"],
    { heavy = true, array = true, atOnce = plan.slurm.at_once }: Partial<Shape> = {},
  ): Script => ({ name, after: before, tasks, text: script(plan, name, tasks, { heavy, array, atOnce }) });
  const measurements = measured.map((target) =>
    nx(
      target,
      points.map((point) => `${sweep}/${point.name}/${target}:${target}`),
      [after("train", "aftercorr")],
    ),
  );
  const untouched = measured.map((target) => `${sweep}/${baseline}/${target}:${target}`);
  return [
    // One after the other: they may share a model that is made first.
    nx("data", data, [], { heavy: false, atOnce: 1 }),
    nx(
      "train",
      points.map((point) => `${sweep}/${point.name}:train`),
      [after("data", "afterok")],
    ),
    nx(baseline, untouched, [after("data", "afterok")]),
    ...measurements,
    // Drawn from what there is: a point that failed must not keep the others from being seen.
    nx(
      "report",
      [`${sweep}:report`],
      [...measured, baseline].map((name) => after(name, "afterany")),
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
}

function script(
  { root, sweep, node, slurm }: SlurmPlan,
  name: string,
  tasks: readonly string[],
  { heavy, array, atOnce }: Shape,
): string {
  const limit = atOnce === undefined ? "" : `%${atOnce}`;
  const options = {
    "job-name": `${sweep}-${name}`,
    chdir: root,
    output: `runs/${sweep}/slurm/${name}-%A${array ? "_%a" : ""}.log`,
    ...(array && { array: `0-${tasks.length - 1}${limit}` }),
    ...{ partition: slurm.partition, account: slurm.account, qos: slurm.qos, time: slurm.time, mem: slurm.memory },
    ...(heavy && { gres: slurm.gres }),
    "cpus-per-task": slurm.cpus,
    "kill-on-invalid-dep": "yes",
  };
  const lines = Object.entries(options).flatMap(([key, value]) =>
    value === undefined ? [] : [`#SBATCH --${key}=${value}`],
  );
  const run = array
    ? [
        `tasks=(\n${tasks.map((task) => `  ${quoted(task)}\n`).join("")})`,
        `exec ${quoted(node)} node_modules/nx/dist/bin/nx.js run "\${tasks[$SLURM_ARRAY_TASK_ID]}" --outputStyle=stream`,
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

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** `--dependency` of a script, once those before it have numbers. */
export const dependency = ({ after }: Script, jobs: ReadonlyMap<string, string>): string | undefined =>
  after.length === 0 ? undefined : after.map(({ name, kind }) => `${kind}:${jobs.get(name) ?? `<${name}>`}`).join(",");
