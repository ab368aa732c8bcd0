import { join } from "node:path";
import { classifierOf } from "../config/classifier.ts";
import { compose } from "../config/compose.ts";
import type { Config } from "../config/schema.ts";
import { duration } from "../report/format.ts";
import { gigabytes, memoryHere } from "./memory.ts";
import { costOf, type Cost, type Machine } from "./cost.ts";
import { baselines } from "./baselines.ts";
import type { Asked } from "./measurements.ts";
import { glueTask, type Point } from "./points.ts";
import type { SweepOutcome } from "./run-sweep.ts";
import { isClassifierThere, type ToDo, toDo, toDoUntouched } from "./to-do.ts";

/** Something that a sweep makes, and what is still to be done of it. */
export interface Priced {
  /** Of a point, `baseline`, `baseline-…`, or `classifiers/…`. */
  readonly name: string;
  readonly folder: string;
  /** Tasks whose results are not there, or are of other settings: `train`, `bias`, `where`, `glue-TASK-SEED`, `finetune`. */
  readonly toDo: readonly string[];
  /** Nothing is to be done. */
  readonly done: boolean;
  /** Of what is to be done. */
  readonly cost: Cost;
}

/** The points of a dry run, and what they share: untouched models, and the classifiers that they start from. */
export interface PricedSweep {
  readonly points: readonly (Point & Priced)[];
  readonly shared: readonly Priced[];
  /** Of large products, what this machine reached just now. */
  readonly gflops: number;
}

type Plan = Asked & Pick<SweepOutcome, "name" | "points">;

/** What a sweep's tasks cost on a machine, but for those of which the results are there. */
export function priced({ name: sweep, points, ...asked }: Plan, machine: Machine): PricedSweep {
  const runs = points.map((point) => ({ ...point, config: compose(point.overrides).config }));
  const configs = runs.map(({ config }) => config);
  const price = (name: string, folder: string, config: Config, { train, measured }: ToDo): Priced => {
    const targets = measured.map(({ target }) => target);
    const glue = measured.flatMap((one) => one.glue ?? []);
    const work = { train, bias: targets.includes("bias"), where: targets.includes("where"), glue };
    const all = [...(train ? ["train"] : []), ...targets];
    return { name, folder, toDo: all, done: all.length === 0, cost: costOf(config, work, machine) };
  };
  return {
    gflops: machine.gflops,
    points: points.map((point, i) => {
      const todo = toDo(join(machine.root, point.folder), configs[i]!, asked);
      return { ...point, ...price(point.name, point.folder, configs[i]!, todo) };
    }),
    shared: [
      ...classifiers(configs, machine),
      ...baselines(runs).map(({ name, config }) => {
        const folder = `runs/${sweep}/${name}`;
        return price(name, folder, config, toDoUntouched(join(machine.root, folder), config, asked));
      }),
    ],
  };
}

function classifiers(configs: readonly Config[], machine: Machine): Priced[] {
  const found = new Map<string, Priced>();
  for (const config of configs) {
    const classifier = classifierOf(config);
    if (classifier === undefined || found.has(classifier.name)) continue;
    const { name, root: folder } = classifier;
    const done = isClassifierThere(join(machine.root, folder), config);
    const glue = done ? [] : [{ task: glueTask(classifier.task, "glue"), scoreOnly: false }];
    const cost = costOf(config, { glue, saves: !done }, machine);
    found.set(name, { name, folder, toDo: done ? [] : ["finetune"], done, cost });
  }
  return [...found.values()];
}

/** A sweep for people: what each point takes, and what they share, and the sum. */
export function dryRunText({ points, shared, gflops }: PricedSweep): string {
  const rows = [...points, ...shared];
  const width = Math.max(...rows.map(({ name }) => name.length));
  const missing = rows.filter(({ done }) => !done);
  const count = points.filter(({ done }) => !done).length;
  const others = shared.filter(({ done }) => !done).map(({ name }) => name);
  const more = others.length > 3 ? [`${others.length - 2} more`] : [];
  const all = [`${count} of ${points.length} points`, ...others.slice(0, more.length > 0 ? 2 : 3), ...more].join(", ");
  return [
    ...rows.map((row) => `  ${row.name.padEnd(width)}  ${rowText(row)}`),
    missing.length === 0
      ? `to do: nothing of ${points.length} points`
      : `to do: ${all}; ${costText(sumOf(missing.map(({ cost }) => cost)))} (estimated from the model's size and ${gflops} GFLOP/s, which this machine reaches now)`,
  ].join("\n");
}

/** Of what is begun, or has no training, tasks are named. */
function rowText({ done, toDo, cost }: Priced): string {
  if (done) return "done";
  return toDo.includes("train") ? costText(cost) : `left: ${toDo.join(", ")}; ${costText(cost)}`;
}

function sumOf(costs: readonly Cost[]): Cost {
  const sum = (key: keyof Cost) =>
    costs.reduce<number | null>(
      (total, { [key]: value }) => (total === null || value === null ? null : total + value),
      0,
    );
  return {
    steps: sum("steps") ?? 0,
    trainSeconds: sum("trainSeconds"),
    biasSeconds: sum("biasSeconds"),
    glueSeconds: sum("glueSeconds"),
    whereSeconds: sum("whereSeconds"),
    bytes: sum("bytes"),
    memory: Math.max(0, ...costs.map(({ memory }) => memory ?? 0)) || null,
  };
}

function costText({ steps, trainSeconds, biasSeconds, glueSeconds, whereSeconds, bytes, memory }: Cost): string {
  const times = [
    [trainSeconds, "training", ""],
    [biasSeconds, "bias tests", ""],
    [glueSeconds, "GLUE", ""],
    [whereSeconds, "where bias sits", " at most"],
  ] as const;
  const known = times.flatMap(([seconds, what, most]) => (seconds ? [`${what} ${roughly(seconds)}${most}`] : []));
  const time = trainSeconds === null ? "time unknown until the model is there" : known.join(", ");
  const size = bytes === null ? "" : `, ${sizeText(bytes)} on disk`;
  const tooMuch = memory !== null && memory > memoryHere() ? `, more than the ${gigabytes(memoryHere())} here` : "";
  const most = memory === null ? "" : `, ${gigabytes(memory)} of memory${tooMuch}`;
  return `${steps > 0 ? `${steps.toLocaleString("en-US")} steps, ` : ""}${time}${size}${most}`;
}

/** Days where hours say too much. */
const roughly = (seconds: number): string =>
  seconds > 2 * 86_400 ? `${(seconds / 86_400).toFixed(1)} days` : duration(seconds);

const sizeText = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;
