#!/usr/bin/env node
import { existsSync } from "node:fs";
import * as modules from "node:module";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { Argument, Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { printable, writeWhole } from "@pruning-bias/files";
import { restartWithWarmMemory } from "@pruning-bias/runtime/allocator";
import type { Context, Machine } from "./commands/context.ts";
import type { Config } from "./config/schema.ts";
import { endWithParent } from "./end-with-parent.ts";
import { examplesText } from "./help.ts";
import { liveLines } from "./live-lines.ts";
import { progressPrinter } from "./progress.ts";
import { UsageError } from "./usage-error.ts";

restartWithWarmMemory(process);
endWithParent(process.env);

// Only this file prints, exits, and reads the environment.
const workspace = workspaceOf(import.meta.dirname);
const root = workspace ?? process.cwd();
// A sweep starts this file for every task: types are stripped once and not each time.
// Node 20, which runs what was installed, has none.
if (workspace !== undefined) modules.enableCompileCache?.(join(workspace, ".nx/compile-cache"));
const say = (line: string) => process.stderr.write(`${line}\n`);
const printJson = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

const program = new Command("pruning-bias")
  .description("Find where gender bias sits in BERT by movement pruning: debias, prune, measure, report.")
  .version((modules.createRequire(import.meta.url)("../package.json") as { version: string }).version)
  .showSuggestionAfterError()
  .configureOutput({ outputError: (text, write) => write(`${text.trim().replaceAll(/\s*\n\s*/g, " ")}\n`) })
  .exitOverride();

program
  .command("sweep")
  .description("run every point of a grid that is not done yet, then the report; without overrides: the demo")
  .argument("[overrides...]", "settings as key=value; several values, set apart by commas, make a grid")
  .option("--glue <tasks>", "GLUE tasks for every point, set apart by commas", (text) => text.split(","))
  .option("--seeds <n>", "seeds of every GLUE task: how many, from finetune.seed on, or several, set apart by commas")
  .option("--where", "where bias sits: each attention head closed alone, and the fewest heads that do what a mask does")
  .option("--parallel <n>", "tasks that run at once", count, 1)
  .addOption(
    new Option("--launcher <where>", "where tasks run").choices(["local", "slurm"] as const).default("local" as const),
  )
  .option("--dry-run", "only list the points, and what each costs in time and disk here")
  .addOption(new Option("-m, --multirun", "as the original's command lines have it").hideHelp())
  .option("--schema", "print the JSON Schema of experiments/NAME/sweep.json")
  .option("--json", "print one JSON object on standard output")
  .action(async (overrides, { glue, seeds, where, parallel, launcher, dryRun, schema, json }) => {
    if (schema) {
      const { sweepSchema } = await import("./sweep/sweep-schema.ts");
      printJson(sweepSchema());
      return;
    }
    const { runSweep } = await import("./sweep/run-sweep.ts");
    // A terminal stops the tasks by itself; whoever else stops this process leaves it to us.
    const stop = new AbortController();
    process.once("SIGTERM", () => stop.abort(new Error("stopped")));
    const write = (text: string) => void process.stderr.write(text);
    const { memoryHere } = await import("./sweep/memory.ts");
    const live = process.stderr.isTTY ? liveLines(write, { columns: process.stderr.columns }) : undefined;
    const outcome = await runSweep(overrides, {
      ...{
        root,
        parallel,
        launcher,
        signal: stop.signal,
        log: say,
        environment: process.env,
        memory: memoryHere(),
        hubCache: context().hub.cacheDir,
        output: (text) => (live === undefined ? write(text) : live.output(text)),
      },
      ...(glue && { glue }),
      ...(where && { where }),
      ...(seeds !== undefined && { glueSeeds: seedChoice(seeds) }),
      ...(dryRun && { dryRun }),
    });
    live?.end();
    if (dryRun) {
      const [{ price }, { dryRunText }] = await Promise.all([
        import("./commands/price.ts"),
        import("./sweep/dry-run.ts"),
      ]);
      const sweep = await price(outcome, context());
      if (json) printJson({ ...outcome, ...sweep });
      say(dryRunText(sweep));
      for (const { name, text } of outcome.scripts ?? []) say(`\n# ${name}.sh\n${text}`);
      return;
    }
    if (json) printJson(outcome);
    for (const { name, id, tasks } of outcome.jobs ?? []) say(`job ${id}: ${name}, ${tasks} tasks`);
    for (const { task, why, log } of outcome.failed) say(`failed: ${task}: ${why} (${log})`);
    if (outcome.failed.length > 0)
      throw new Error(
        `${outcome.failed.length} of the sweep's tasks failed; what was finished stays, and the same command goes on from there`,
      );
    if (outcome.report !== undefined) say(`report: ${outcome.report}`);
  });

program
  .command("config")
  .description("print the composed settings, and where each comes from")
  .argument("[overrides...]", "settings as key=value")
  .option("--schema", "print the JSON Schema of all settings")
  .option("--json", "print one JSON object on standard output")
  .action(async (overrides, { schema, json }) => {
    if (schema) {
      const [{ z }, { Config: Settings }] = await Promise.all([import("zod"), import("./config/schema.ts")]);
      printJson(z.toJSONSchema(Settings, { io: "input" }));
      return;
    }
    const [{ compose }, { configTable }] = await Promise.all([
      import("./config/compose.ts"),
      import("./config/table.ts"),
    ]);
    const composed = compose(overrides);
    if (json) printJson(composed.config);
    else say(configTable(composed));
  });

program
  .command("data")
  .description("download and tokenise the corpus, fetch the tests; all cached")
  .argument("[overrides...]", "settings as key=value")
  .action(async (overrides) => {
    const config = await settings(overrides);
    const { prepare } = await import("./commands/data.ts");
    await prepare(config, context());
  });

program
  .command("train")
  .description("run one point")
  .argument("[overrides...]", "settings as key=value")
  .option("--out <folder>", "where its results go", "runs/local")
  .option("--resume", "go on from the newest whole checkpoint there, as if never stopped")
  .option("--json", "print one JSON object on standard output")
  .action(async (overrides, { out, resume, json }) => {
    const config = await settings(overrides);
    if (overrides.length > 0) await sayUnread(config);
    const { train } = await import("./commands/train.ts");
    await makeModel(config);
    const folder = resolve(root, out);
    const summary = await train(config, folder, context(), { resume: resume ?? (await wasStopped(folder)) });
    if (json) printJson(summary);
  });

program
  .command("bias")
  .description(
    "bias tests of any encoders, side by side: SEAT and WEAT, StereoSet, CrowS-Pairs, WinoBias, probing, heads",
  )
  .requiredOption(
    "--model <name>",
    "a model of the hub, a folder, or a run's folder; several are set beside the first",
    (name, before: string[] = []) => [...before, name],
  )
  .option("--scores <file>", "pruning scores that mask it; of several models the last")
  .option(
    "--tests <tests>",
    "seat, weat, layers, where, probing, stereoset, crows, winobias, or single ones such as SEAT6b; set apart by commas",
    "seat",
  )
  .option("--embedding <protocol>", "cls, mean or first", "cls")
  .option("--layer <n>", "hidden state that is read, 0 after the embeddings; by default the last", whole)
  .option("--protocol <protocol>", "how CrowS-Pairs and StereoSet are scored: bias-bench or paper", "bias-bench")
  .option(
    "--crows-types <types>",
    "bias types of CrowS-Pairs, such as gender,race-color, or all; set apart by commas",
    "gender",
  )
  .option("--out <folder>", "gets bias.json, and a row for each model in bias.csv", "runs/bias")
  .option("--json", "print one JSON object on standard output")
  .argument("[overrides...]", "settings as key=value, such as datamodule.seat_data.MINE=FILE")
  .action(async (overrides, { model: models, tests, crowsTypes, scores, layer, out, json, ...options }) => {
    const config = await settings(overrides);
    const [{ bias }, { jsonLine }] = await Promise.all([import("./commands/bias.ts"), import("./commands/files.ts")]);
    const report = await bias(
      {
        ...{
          config,
          models,
          tests: tests.split(","),
          crowsTypes: crowsTypes.split(","),
          ...options,
          out: resolve(root, out),
        },
        ...(scores !== undefined && { scores }),
        ...(layer !== undefined && { layer }),
      },
      context(),
    );
    if (json) process.stdout.write(`${jsonLine(report)}\n`);
  });

program
  .command("masks")
  .description("what runs left open, by layer and matrix, and whether it is the same each time")
  .argument("<runs...>", "folders of runs, or score state dicts; several are compared")
  .option("--json", "print one JSON object on standard output")
  .action(async (runs, { json }) => {
    const { masks, masksText } = await import("./commands/masks.ts");
    const found = await masks(runs.map((run) => resolve(root, run)));
    if (json) printJson(found);
    else say(masksText(found));
  });

program
  .command("glue")
  .description("fine-tune any encoder on GLUE tasks, pruned or not: scores with their spread over seeds")
  .requiredOption("--model <name>", "a model of the hub, or a folder")
  .option("--scores <file>", "pruning scores that mask it, and stay as they are")
  .requiredOption("--task <tasks>", "set apart by commas", (text) => text.split(","))
  .option("--seeds <n>", "how many seeds, from finetune.seed on; or several, set apart by commas", (text) => text)
  .option("--out <folder>", "where results and predictions go", "runs/glue")
  .option("--resume", "go on from the newest whole checkpoint there, as if never stopped")
  .option("--score-only", "score a classifier as it is, without fine-tuning")
  .option("--save <folder>", "keep the fine-tuned classifier")
  .option("--json", "print one JSON object on standard output")
  .argument("[overrides...]", "settings as key=value, such as finetune.learning_rate=1e-4")
  .action(async (overrides, { model, scores, task: tasks, seeds, out, resume, scoreOnly, save, json }) => {
    const config = await settings(overrides);
    const { glue, glueText } = await import("./commands/glue.ts");
    const summary = await glue(
      {
        ...{ config, model, tasks, seeds: seedsOf(seeds, config.finetune.seed), out: resolve(root, out) },
        ...(scores !== undefined && { scores: resolve(root, scores) }),
        ...(save !== undefined && { save: resolve(root, save) }),
        ...(resume && { resume }),
        ...(scoreOnly && { scoreOnly }),
      },
      context(),
    );
    if (json) {
      const { jsonLine } = await import("./commands/files.ts");
      process.stdout.write(`${jsonLine(summary)}\n`);
    } else say(glueText(summary));
    if (summary.failed.length > 0) {
      const failed = summary.failed.map(({ task, seed, error }) => `${task}, seed ${seed}: ${error}`);
      throw new Error(`${failed.length} of the runs failed, the others' results are in ${out}: ${failed.join("; ")}`);
    }
  });

program
  .command("export")
  .description("write a model as a folder that transformers loads, in Python and, with --onnx, in JavaScript")
  .option(
    "--form <form>",
    "of a pruned run: dense, masks multiplied in, or compact, without what does nothing",
    "dense",
  )
  .argument("<model>", "a run's folder, a model's folder, or a model of the hub")
  .requiredOption("--to <folder>", "where to write it")
  .option("--onnx", "write onnx/model.onnx too", false)
  .option("--dtype <type>", "of its tensors: float32, float16 or bfloat16; by default as they are")
  .option("--json", "print one JSON object on standard output")
  .action(async (model, { to, onnx, dtype, form, json }) => {
    const { exportModel } = await import("./commands/export.ts");
    const exported = await exportModel({ model, to, onnx, form, ...(dtype !== undefined && { dtype }) }, context());
    if (json) printJson(exported);
  });

program
  .command("report")
  .description("write report.html, results.csv and results.tex of a sweep")
  .argument("<sweep>", "its name: a folder of experiments/")
  .option("--watch", "draw it again whenever a task has left results, and tell where the others stand")
  .action(async (name, { watch }) => {
    if (watch) {
      const { watchReport } = await import("./commands/watch.ts");
      const stop = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
      await watchReport(name, { root, log: say, signal: stop.signal });
      return;
    }
    const { reportSweep } = await import("./commands/report.ts");
    say(`report: ${await reportSweep(root, name)}`);
  });

program
  .command("completion")
  .description("print a script that completes commands, settings and their values")
  .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"] as const))
  .action(async (shell) => {
    const { completionScript } = await import("./completion.ts");
    process.stdout.write(completionScript(shell));
  });

program
  .command("doctor")
  .description("what this machine can run on")
  .option("--json", "print one JSON object on standard output")
  .action(async ({ json }) => {
    const { doctor, doctorText } = await import("./commands/doctor.ts");
    const found = await doctor(machine());
    if (json) printJson(found);
    else say(doctorText(found));
  });

program.command("write-reference", { hidden: true }).action(async () => {
  const { generated } = await import("./reference/index.ts");
  for (const [path, text] of Object.entries(await generated(root))) await writeWhole(join(root, path), text);
});
program
  .command("complete", { hidden: true })
  .argument("[words...]")
  .action(async (words) => {
    const { complete } = await import("./completion.ts");
    const commands = visible().map((command) => ({
      name: command.name(),
      options: command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? []),
      settings: command.registeredArguments.some((argument) => argument.name() === "overrides"),
    }));
    for (const word of complete(words, commands, root)) process.stdout.write(`${word}\n`);
  });

// What Nx runs for the points of a sweep.
program
  .command("pretrain", { hidden: true })
  .requiredOption("--out <folder>")
  .option("--resume")
  .action(async ({ out, resume: asked }) => {
    const [{ pretrain }, config] = await Promise.all([import("./commands/pretrain.ts"), settings([])]);
    if (config.pretrain === null)
      throw new UsageError("pretrain: expected an experiment that makes its model, got none");
    const folder = resolve(root, out);
    const resume = asked ?? (await wasStopped(folder));
    await pretrain({ ...config, pretrain: config.pretrain }, folder, context(), { resume });
  });
program
  .command("run-data", { hidden: true })
  .requiredOption("--out <folder>")
  .action(async ({ out }) => {
    const [{ runData }, config] = await Promise.all([import("./commands/data.ts"), settings([])]);
    await runData(config, resolve(root, out), context());
  });
program
  .command("run-bias", { hidden: true })
  .requiredOption("--out <folder>")
  .option("--untouched")
  .action(async ({ out, untouched = false }) => {
    const [{ runBias }, config] = await Promise.all([import("./commands/run-bias.ts"), settings([])]);
    await runBias({ config, out: resolve(root, out), untouched }, context());
  });
program
  .command("run-where", { hidden: true })
  .requiredOption("--out <folder>")
  .option("--untouched")
  .action(async ({ out, untouched = false }) => {
    const [{ runWhere }, config] = await Promise.all([import("./commands/head-effects.ts"), settings([])]);
    await runWhere({ config, out: resolve(root, out), untouched }, context());
  });
program
  .command("run-classifier", { hidden: true })
  .requiredOption("--out <folder>")
  .action(async ({ out }) => {
    const [{ runClassifier }, config] = await Promise.all([import("./commands/run-classifier.ts"), settings([])]);
    const folder = resolve(root, out);
    await runClassifier(config, folder, context(), { resume: await wasStopped(join(folder, "glue")) });
  });
program
  .command("run-glue", { hidden: true })
  .requiredOption("--out <folder>")
  .requiredOption("--task <task>")
  .requiredOption("--name <name>")
  .option("--score-only")
  .option("--untouched")
  .action(async ({ out, task, name, scoreOnly, untouched = false }) => {
    const [{ runGlue }, config] = await Promise.all([import("./commands/run-glue.ts"), settings([])]);
    const folder = resolve(root, out);
    const resume = await wasStopped(join(folder, "glue", name));
    const target = { task, name, resume, ...(scoreOnly && { scoreOnly }) };
    await runGlue({ config, out: folder, untouched }, target, context());
  });

for (const command of visible()) command.addHelpText("after", examplesText(command.name()));

try {
  await checkTask();
  await program.parseAsync();
  await checkTask();
} catch (error) {
  process.exitCode = report(error);
}

/** The commands that people type. */
function visible() {
  const commands = program.createHelp().visibleCommands(program);
  return commands.filter((command) => command.name() !== "help");
}

/** Says what went wrong in one line and returns the exit code: 2 for wrong usage, 1 for everything else. */
function report(error: unknown): number {
  const { code, exitCode } = error as { code?: string; exitCode?: number };
  // commander has printed its own message already; help and version are no errors.
  if (code?.startsWith("commander.") === true) return exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  say(
    `error: ${process.env["PRUNING_BIAS_DEBUG"] === undefined ? printable(message.replaceAll(/\s*\n\s*/g, " "), 2000) : (error as Error).stack}`,
  );
  return error instanceof UsageError ? 2 : 1;
}

/** The workspace that this file is part of; none where it was installed, and then folders are relative to where it is called. */
function workspaceOf(folder: string): string | undefined {
  const candidate = resolve(folder, "../../..");
  return existsSync(join(candidate, "nx.json")) ? candidate : undefined;
}

/** The settings of a run: Nx hands them over whole, people as overrides. */
async function settings(overrides: readonly string[]): Promise<Config> {
  const given = process.env["RUN_CONFIG"];
  if (overrides.length === 0 && given !== undefined) {
    const { givenSettings } = await import("./commands/given.ts");
    return givenSettings(given);
  }
  const { compose } = await import("./config/compose.ts");
  return compose(overrides).config;
}

/** Says which settings a method does not read; of a sweep's points, before they run. */
async function sayUnread(config: Config): Promise<void> {
  const { unreadText } = await import("./config/unread.ts");
  const text = unreadText(config);
  if (text !== undefined) say(text);
}

/** Makes the model of an experiment that has one made, where it is not there yet; in a sweep a task before has done it. */
async function makeModel({ pretrain: how, ...config }: Config): Promise<void> {
  const folder = resolve(root, config.pretrain_dir);
  // Its last file.
  if (how === null || process.env["RUN_CONFIG"] !== undefined || existsSync(join(folder, "model/config.json"))) return;
  const { pretrain } = await import("./commands/pretrain.ts");
  await pretrain({ ...config, pretrain: how }, folder, context());
}

/** Whether a task of Nx goes on from the checkpoints in its folder. */
async function wasStopped(folder: string): Promise<boolean> {
  const { RUN_CODE: code, RUN_CONFIG: given, RUN_DATA } = process.env;
  if (code === undefined || given === undefined) return false;
  const { isSameTask } = await import("./commands/same-task.ts");
  return isSameTask(folder, { code, settings: given, ...(RUN_DATA && { inputs: join(root, RUN_DATA) }) });
}

/** Whether what a task of Nx runs is what Nx takes it for, at its start and at its end: modules are loaded in between. */
async function checkTask(): Promise<void> {
  const { RUN_CODE: code } = process.env;
  if (code === undefined) return;
  const { checkCode } = await import("./sweep/same-code.ts");
  checkCode(root, process.argv[2]!, code);
}

function context(): Context {
  const { HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE = "" } = process.env;
  const home = HF_HOME ?? join(homedir(), ".cache/huggingface");
  return {
    root,
    log: say,
    progress: progressPrinter((text) => void process.stderr.write(text), { terminal: process.stderr.isTTY }),
    hub: {
      endpoint: HF_ENDPOINT ?? "https://huggingface.co",
      cacheDir: HF_HUB_CACHE ?? join(home, "hub"),
      offline: ["1", "true", "yes", "on"].includes(HF_HUB_OFFLINE.toLowerCase()),
      ...(HF_TOKEN !== undefined && { token: HF_TOKEN }),
    },
    machine: machine(),
    fetch: globalThis.fetch,
  };
}

function machine(): Machine {
  const { PRUNING_BIAS_THREADS, PRUNING_BIAS_TFJS_NODE, XDG_CACHE_HOME } = process.env;
  // libtensorflow tells of itself on standard error.
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";
  const cache = XDG_CACHE_HOME ?? join(homedir(), ".cache");
  return {
    native: [PRUNING_BIAS_TFJS_NODE ?? join(cache, "pruning-bias/tfjs-native")],
    ...(PRUNING_BIAS_THREADS !== undefined && { threads: threadsOf(PRUNING_BIAS_THREADS) }),
  };
}

function threadsOf(text: string): number {
  const threads = Number(text);
  if (Number.isInteger(threads) && threads > 0) return threads;
  throw new UsageError(`PRUNING_BIAS_THREADS: expected a whole number from 1, got ${JSON.stringify(text)}`);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("expected a whole number from 1");
  return value;
}

function seedsOf(text: string | undefined, first: number): readonly number[] {
  const choice = text === undefined ? 1 : seedChoice(text);
  return typeof choice === "number" ? Array.from({ length: choice }, (_, n) => first + n) : choice;
}

/** `3`: so many; `42,7`: these. */
function seedChoice(text: string): number | readonly number[] {
  const numbers = text.split(",").map(Number);
  const bad = numbers.some((value) => !Number.isInteger(value) || value < 0) || text.split(",").includes("");
  const [count] = numbers as [number];
  if (bad || (numbers.length === 1 && count < 1)) {
    throw new UsageError(`--seeds: expected a number of seeds, or several set apart by commas, got ${text}`);
  }
  return numbers.length === 1 ? count : [...new Set(numbers)];
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("expected a whole number from 0");
  return value;
}
