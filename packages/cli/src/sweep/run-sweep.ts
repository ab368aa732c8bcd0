import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { writeWhole } from "@pruning-bias/files";
import { physicalCores } from "@pruning-bias/runtime/cores";
import { reportSweep } from "../commands/report.ts";
import { unreadText } from "../config/unread.ts";
import { isProjection } from "../config/alternative.ts";
import { classifierOf } from "../config/classifier.ts";
import { digest } from "../config/compose.ts";
import type { Config } from "../config/schema.ts";
import { parseOverride } from "../config/overrides.ts";
import { PARENT } from "../end-with-parent.ts";
import { UsageError } from "../usage-error.ts";
import { baselines } from "./baselines.ts";
import { type ComposedPoint, composedPoints } from "./composed-points.ts";
import { type Failure, failuresIn } from "./failures.ts";
import { checkOtherSweeps } from "./made-folders.ts";
import { memoryOf, memoryText, slurmMemoryText } from "./memory.ts";
import { modelShape } from "./model-shape.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { type Asked, measurements } from "./measurements.ts";
import { parseSweep, type Point, type Sweep } from "./points.ts";
import { dataProject } from "./task-settings.ts";
import { type Script, Slurm, type SlurmPlan, slurmScripts } from "./slurm.ts";
import { type Job, submit } from "./submit.ts";
import { readSweepFile, sweepFile, sweepName, writeSweepFile } from "./sweep-file.ts";

/** Where a sweep runs, how, and to whom it tells. */
export interface SweepOptions {
  /** The workspace. */
  readonly root: string;
  /** GLUE tasks that every point is fine-tuned on; none by default. */
  readonly glue?: readonly string[];
  /** Seeds of every GLUE task: how many, from `finetune.seed` on, or which; that one by default. */
  readonly glueSeeds?: number | readonly number[];
  /** Where bias sits, head by head; `false` by default. */
  readonly where?: boolean;
  /** Tasks that run at once, on an equal share of the cores each; 1 by default. */
  readonly parallel?: number;
  /** Composes every point and runs nothing; `false` by default. */
  readonly dryRun?: boolean;
  /** Where tasks run: here, the default, or as jobs of a cluster. */
  readonly launcher?: "local" | "slurm";
  /** Told what happens, a line at a time. */
  readonly log: (line: string) => void;
  /** Lines of Nx and of the tasks. */
  readonly output: (text: string) => void;
  /** Of the tasks. */
  readonly environment: NodeJS.ProcessEnv;
  /** Bytes that tasks may take, so that more is warned of; no warning by default. */
  readonly memory?: number;
  /** The hub's cache, where models' sizes are read. */
  readonly hubCache?: string;
  /** Stops Nx and what it runs; nothing does by default. */
  readonly signal?: AbortSignal;
}

/** What a sweep is, and how its tasks ended. */
export interface SweepOutcome extends Asked {
  /** Of the sweep, as of its folders. */
  readonly name: string;
  /** Each with its folder, relative to the workspace. */
  readonly points: readonly (Point & { readonly folder: string })[];
  /** The folders of the untouched models' measurements: of the first point's, and of others where points start from several. */
  readonly baselines: readonly string[];
  /** Tasks that failed; empty after a dry run. */
  readonly failed: readonly Failure[];
  /** Path of the report, where there is one. */
  readonly report?: string;
  /** Of a cluster: its scripts. */
  readonly scripts?: readonly Script[];
  /** Of a cluster: its jobs, after they were submitted. */
  readonly jobs?: readonly Job[];
  /** What Nx and the tasks said. */
  readonly output?: string;
}

/**
 * Runs a sweep: composes every point first, so that a wrong setting costs nothing, writes it down as
 * `experiments/NAME/sweep.json` and lets Nx run what is not in its cache yet. Without overrides: the demo.
 *
 * @throws UsageError in one line for settings that cannot be, before anything runs, or a folder that is no clone of the
 *   repository
 */
export async function runSweep(overrides: readonly string[], options: SweepOptions): Promise<SweepOutcome> {
  const { root, log } = options;
  if (!options.dryRun && !existsSync(nxScript(root))) {
    throw new UsageError(
      `sweep: expected a clone of the repository, whose Nx keeps the tasks, got ${root}; single points run everywhere: pruning-bias train`,
    );
  }
  const { name, sweep, written } = find(overrides, options);
  const runs = composedPoints(sweep);
  const all = runs.map((run) => ({ name: run.name, overrides: run.overrides, folder: `runs/${name}/${run.name}` }));
  const configs = runs.map(({ config }) => config);
  checkOtherSweeps(root, name, configs);
  if (options.glueSeeds !== undefined) checkSeeds(configs, { name, sweep, written });
  log(`${name}: ${all.length} ${all.length === 1 ? "point" : "points"} in runs/${name}`);
  sayLeftOut(runs, sweep, log);
  for (const text of new Set(configs.map(unreadText))) if (text !== undefined) log(text);
  const asked = { glue: sweep.glue, where: sweep.where, ...(sweep.glueSeeds && { glueSeeds: sweep.glueSeeds }) };
  const untouched = baselines(runs).map((own) => `runs/${name}/${own.name}`);
  const outcome = { name, points: all, ...asked, baselines: untouched, failed: [] };
  const scripts = options.launcher === "slurm" ? slurmScripts(slurmPlan(name, sweep, runs, root)) : undefined;
  if (scripts !== undefined) sayMemory(configs, sweep, options);
  if (options.dryRun) return { ...outcome, ...(scripts && { scripts }) };
  const write = async () => (written ? undefined : writeSweepFile(sweepFile(root, name), sweep));
  if (scripts !== undefined) {
    await write();
    const jobs = await submit(scripts, join(root, "runs", name, "slurm"), options.environment);
    return { ...outcome, scripts, jobs };
  }
  sayMemory(configs, sweep, options);
  const tasks = async () => {
    // Not before its turn: one of the same name and other points may be at it, whose tasks and report read the file.
    checkOtherSweeps(root, name, configs);
    await write();
    const failed = await runTasks(name, { sweep, runs }, options);
    if (failed.length > 0) await reportSweep(root, name);
    return failed;
  };
  const failed = await oneAtATime(join(root, "runs/.sweep"), tasks, {
    ...{ who: `sweep ${name}`, signal: options.signal },
    onWait: (holder) => log(`waiting until ${holder}, is done: sweeps of one workspace share its results`),
  });
  const report = join(root, "runs", name, "report.html");
  return {
    ...outcome,
    failed,
    output: outputFile(root, name),
    ...(existsSync(report) && { report }),
  };
}

/** What the largest point takes; nothing where no model is known yet. */
function sayMemory(
  configs: readonly Config[],
  { glue, slurm }: Sweep,
  { root, parallel = 1, launcher = "local", memory, hubCache = "", log }: SweepOptions,
): void {
  const needs = configs.flatMap((config) => {
    const shape = modelShape(config, root, hubCache);
    return shape === undefined
      ? []
      : [memoryOf(config, shape, { glue: glue.length > 0 || classifierOf(config) !== undefined })];
  });
  if (needs.length === 0) return;
  const most = Math.max(...needs);
  if (launcher === "slurm") log(slurmMemoryText(most, slurm?.memory));
  else if (memory !== undefined) {
    log(memoryText(most, memory, { each: " a task", parallel: Math.min(parallel, configs.length) }));
  }
}

/** Which points are not measured in all that was asked, and why. */
function sayLeftOut(runs: readonly ComposedPoint[], { glue, where }: Sweep, log: SweepOptions["log"]): void {
  const names = runs.filter(({ config }) => isProjection(config)).map(({ name }) => name);
  const left = [...(glue.length > 0 ? ["GLUE"] : []), ...(where ? ["--where"] : [])].join(" and ");
  if (names.length === 0 || left === "") return;
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  log(`${left}: left out for ${names.slice(0, 3).join(", ")}${more}: a projection of the output is no encoder`);
}

/** Seeds that nothing is fine-tuned with. */
function checkSeeds(configs: readonly Config[], { name, sweep, written }: Found): void {
  if (written) {
    throw new UsageError(
      `--seeds: expected them as glueSeeds in experiments/${name}/sweep.json, which somebody wrote, got them on the command line`,
    );
  }
  const tuned = configs.some((config) => measurements(config, sweep).some(({ glue }) => glue?.scoreOnly === false));
  if (!tuned) throw new UsageError("--seeds: expected tasks in --glue to fine-tune with them, got none");
}

function slurmPlan(name: string, sweep: Sweep, runs: readonly ComposedPoint[], root: string): SlurmPlan {
  const configs = runs.map(({ config }) => config);
  const targets = (config: Config) => measurements(config, sweep).map(({ target }) => target);
  const classifiers = [...new Set(configs.flatMap((config) => classifierOf(config)?.name ?? []))];
  const data = new Map(configs.map((config) => [dataProject(config), config]));
  const projects = [...data.keys()];
  const dataOf = (config: Config) => projects.indexOf(dataProject(config));
  const classifierNumber = (config: Config) => {
    const classifier = classifierOf(config);
    return classifier === undefined ? {} : { classifier: classifiers.indexOf(classifier.name) };
  };
  return {
    ...{ root, sweep: name, node: process.execPath, slurm: Slurm.parse(sweep.slurm ?? {}) },
    points: runs.map(({ name, config }) => ({ name, targets: targets(config), data: dataOf(config) })),
    baselines: baselines(runs).map((own) => {
      const first = runs.find((run) => run.name === own.points[0])!;
      return { name: own.name, targets: targets(own.config), data: dataOf(first.config) };
    }),
    classifiers: classifiers.map((classifier) => `${classifier}:finetune`),
    data: [...data].map(([project, config]) => ({ task: `${project}:data`, ...classifierNumber(config) })),
    pretrains: configs.some(({ pretrain }) => pretrain !== null),
  };
}

interface Found {
  readonly name: string;
  readonly sweep: Sweep;
  /** Its file is there and stays as it is. */
  readonly written: boolean;
}

function find(overrides: readonly string[], { root, glue = [], glueSeeds, where = false }: SweepOptions): Found {
  const cluster = slurmSettings(overrides);
  const given = overrides.filter((override) => !override.startsWith("slurm."));
  const found = findOwn(given, root, { glue, where, ...(glueSeeds && { glueSeeds }) });
  return cluster === undefined
    ? found
    : { ...found, sweep: { ...found.sweep, slurm: { ...found.sweep.slurm, ...cluster } } };
}

/** `slurm.KEY=VALUE`: of the cluster, and of no point. */
function slurmSettings(overrides: readonly string[]): Sweep["slurm"] {
  const own = overrides.filter((override) => override.startsWith("slurm.")).map(parseOverride);
  if (own.length === 0) return undefined;
  const settings = Object.fromEntries(own.map(({ key, text }) => [key.slice("slurm.".length), text]));
  const { data, error } = Slurm.partial().safeParse(settings);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw new UsageError(
    issue!.code === "unrecognized_keys"
      ? `slurm.${issue!.keys[0]}: expected ${Object.keys(Slurm.shape).join(" | ")}`
      : `slurm.${issue!.path.join(".")}: ${issue!.message.replace(/^Invalid input: /, "")}`,
  );
}

function findOwn(
  overrides: readonly string[],
  root: string,
  { glue = [], glueSeeds, where = false }: Pick<SweepOptions, "glue" | "glueSeeds" | "where">,
): Found {
  const own = overrides.findLast((override) => override.startsWith("name="))?.slice("name=".length);
  const rest = overrides.filter((override) => !override.startsWith("name="));
  if (own !== undefined && !/^[\w][\w.-]*$/.test(own)) {
    throw new UsageError(`name: expected letters, digits, dots and dashes, got ${JSON.stringify(own)}`);
  }
  const inTree = (name: string) => existsSync(sweepFile(root, name)) && !readSweepFile(sweepFile(root, name)).generated;
  const ofTree = (name: string): Found => ({ name, sweep: readSweepFile(sweepFile(root, name)), written: true });
  if (rest.length === 0 && glue.length === 0 && !where) return ofTree(own ?? "demo");

  const sweep = withSeeds(parseSweep(rest, glue, where), glueSeeds);
  const generated = (name: string): Found => ({ name, sweep: inOrderOf(root, name, sweep), written: false });
  if (own !== undefined) {
    if (inTree(own)) throw new UsageError(`name: expected one that no written sweep has, got ${own}`);
    return generated(own);
  }
  const name = sweepName(sweep);
  if (!inTree(name)) return generated(name);
  // An experiment of which somebody wrote a sweep: alone it means that one, which no command line overwrites.
  const keys = Object.keys(sweep.grid).toSorted();
  if (keys.length === 0 && sweep.base.length === 1 && glue.length === 0 && !where) return ofTree(name);
  return generated(`${name}-${digest(keys)}`);
}

function withSeeds(sweep: Sweep, seeds: SweepOptions["glueSeeds"]): Sweep {
  if (seeds === undefined) return sweep;
  if (typeof seeds !== "number") return { ...sweep, glueSeeds: [...seeds] };
  const firsts = new Set(composedPoints(sweep).map(({ config }) => config.finetune.seed));
  const [first = 0] = firsts;
  if (firsts.size > 1) {
    throw new UsageError(`--seeds: expected one finetune.seed to count from, got ${[...firsts].join(", ")}`);
  }
  return { ...sweep, glueSeeds: Array.from({ length: seeds }, (_, n) => first + n) };
}

/** A grid whose keys were typed in another order than the last time has the same points, of the same names. */
function inOrderOf(root: string, name: string, sweep: Sweep): Sweep {
  const file = sweepFile(root, name);
  if (!existsSync(file)) return sweep;
  const [keys, before] = [Object.keys(sweep.grid), Object.keys(readSweepFile(file).grid)];
  if (keys.toSorted().join() !== before.toSorted().join()) return sweep;
  return { ...sweep, grid: Object.fromEntries(before.map((key) => [key, sweep.grid[key]!])) };
}

/** Runs all tasks of a sweep; one that fails does not stop those that do not need it. */
async function runTasks(
  name: string,
  { sweep, runs }: { readonly sweep: Sweep; readonly runs: readonly ComposedPoint[] },
  options: SweepOptions,
): Promise<Failure[]> {
  const configs = [...baselines(runs), ...runs].map(({ config }) => config);
  const measured = configs.flatMap((config) => measurements(config, sweep).map(({ target }) => target));
  const targets = ["train", ...new Set(measured), "report"];
  const line = ["run-many", "-t", ...targets, "-p", `tag:sweep:${name}`, "--outputStyle=stream", "--nxBail=false"];
  const file = outputFile(options.root, name);
  const { code, text } = await nx([...line, `--parallel=${options.parallel ?? 1}`], file, {
    ...options,
    environment: { ...options.environment, ...shareOfCores(options.parallel ?? 1) },
  });
  if (code === 0) return [];
  const failed = failuresIn(text, name, join(options.root, "runs", name));
  for (const { log, lines } of failed) await writeWhole(log, `${lines.join("\n")}\n`);
  if (failed.length > 0) return failed.map(({ task, why, log }) => ({ task, why, log }));
  return [{ task: name, why: `nx ended with exit code ${code}`, log: file }];
}

/**
 * Tasks that run at once share the cores, or each would take all and wait for the others. This stands in the environment
 * and not in the settings: it changes no result, and Nx hashes settings.
 */
export const shareOfCores = (parallel: number, cores = physicalCores()): { PRUNING_BIAS_THREADS?: string } =>
  parallel === 1 ? {} : { PRUNING_BIAS_THREADS: String(Math.max(1, Math.floor(cores / parallel))) };

function nx(
  line: readonly string[],
  file: string,
  { root, output, environment, signal, log }: SweepOptions,
): Promise<{ code: number; text: string }> {
  mkdirSync(dirname(file), { recursive: true });
  // Where there is no room for it, the sweep goes on: what fails for that says so itself.
  const kept = createWriteStream(file).on("error", ({ message }) => log(`${file}: cannot be written: ${message}`));
  // A task of Nx that starts Nx: what the outer one says of itself is not meant for the inner one; where its cache is, is.
  const env = Object.fromEntries(
    Object.entries(environment).filter(([key]) => !key.startsWith("NX_") || forNx.test(key)),
  );
  const preload = pathToFileURL(join(import.meta.dirname, `nx-preload${extname(import.meta.filename)}`)).href;
  const child = spawn(process.execPath, ["--import", preload, nxScript(root), ...line], {
    cwd: root,
    // A process for each plugin of Nx takes longer to start than all of them take to work.
    env: { ...env, NX_ISOLATE_PLUGINS: "false", [PARENT]: String(process.pid) },
    stdio: ["ignore", "pipe", "pipe"],
    ...(signal && { signal }),
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      text += chunk;
      output(chunk);
      kept.write(stripVTControlCharacters(chunk));
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => kept.end());
    child.on("close", (code) => resolve({ code: code ?? 1, text: stripVTControlCharacters(text) }));
  });
}

const forNx = /^NX_(DAEMON|CACHE_DIRECTORY|WORKSPACE_DATA_DIRECTORY|SELF_HOSTED_REMOTE_CACHE_.*)$/;

const nxScript = (root: string): string => join(root, "node_modules/nx/dist/bin/nx.js");

const outputFile = (root: string, name: string): string => join(root, "runs", name, "sweep.log");
