#!/usr/bin/env node
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { restartWithWarmMemory } from "@pruning-bias/runtime/allocator";
import type { Context, Machine } from "./commands/context.ts";
import type { Config } from "./config/schema.ts";
import { progressPrinter } from "./progress.ts";
import { UsageError } from "./usage-error.ts";

restartWithWarmMemory(process);

// Only this file prints, exits, and reads the environment.
const root = resolve(import.meta.dirname, "../../..");
const say = (line: string) => process.stderr.write(`${line}\n`);
const printJson = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

const program = new Command("pruning-bias")
  .description("Find where gender bias sits in BERT by movement pruning: debias, prune, measure, report.")
  .showSuggestionAfterError()
  .configureOutput({ outputError: (text, write) => write(`${text.trim().replaceAll(/\s*\n\s*/g, " ")}\n`) })
  .exitOverride();

program
  .command("sweep")
  .description("run every point of a grid that is not done yet, then the report; without overrides: the demo")
  .argument("[overrides...]", "settings as key=value; several values, set apart by commas, make a grid")
  .option("--glue <tasks>", "GLUE tasks for every point, set apart by commas", (text) => text.split(","))
  .option("--parallel <n>", "tasks that run at once", count, 1)
  .option("--dry-run", "only list the points")
  .option("--json", "print one JSON object on standard output")
  .action(async (overrides, { glue, parallel, dryRun, json }) => {
    const { runSweep } = await import("./sweep/run-sweep.ts");
    // A terminal stops the tasks by itself; whoever else stops this process leaves it to us.
    const stop = new AbortController();
    process.once("SIGTERM", () => stop.abort(new Error("stopped")));
    const outcome = await runSweep(overrides, {
      ...{
        root,
        parallel,
        signal: stop.signal,
        log: say,
        environment: process.env,
        output: (text) => void process.stderr.write(text),
      },
      ...(glue && { glue }),
      ...(dryRun && { dryRun }),
    });
    if (json) printJson(outcome);
    if (dryRun) for (const point of outcome.points) say(`  ${point.folder}  ${point.overrides.join(" ")}`);
    for (const task of outcome.failed) say(`failed: ${task}`);
    if (outcome.failed.length > 0)
      throw new Error(
        `${outcome.failed.length} of the sweep's tasks failed (${outcome.output}); what was finished stays, and the same command goes on from there`,
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
  .option("--json", "print one JSON object on standard output")
  .action(async (overrides, { out, json }) => {
    const config = await settings(overrides);
    const { train } = await import("./commands/train.ts");
    const summary = await train(config, resolve(root, out), context());
    if (json) printJson(summary);
  });

program
  .command("bias")
  .description("bias tests of any encoder: SEAT effect sizes and p-values")
  .requiredOption("--model <name>", "a model of the hub, or a folder")
  .option("--scores <file>", "pruning scores that mask it")
  .option("--embedding <protocol>", "cls, mean or first", "cls")
  .option("--json", "print one JSON object on standard output")
  .argument("[overrides...]", "settings as key=value, such as datamodule.seat_data.MINE=FILE")
  .action(async (overrides, { model, scores, embedding, json }) => {
    const config = await settings(overrides);
    const { bias } = await import("./commands/bias.ts");
    const results = await bias({ config, model, embedding, ...(scores !== undefined && { scores }) }, context());
    if (json) printJson(results);
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
  .description("write report.html and results.csv of a sweep")
  .argument("<sweep>", "its name: a folder of experiments/")
  .action(async (name) => {
    const { reportSweep } = await import("./commands/report.ts");
    say(`report: ${await reportSweep(root, name)}`);
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

// What Nx runs for the points of a sweep.
program
  .command("pretrain", { hidden: true })
  .requiredOption("--out <folder>")
  .action(async ({ out }) => {
    const [{ pretrain }, config] = await Promise.all([import("./commands/pretrain.ts"), settings([])]);
    if (config.pretrain === null)
      throw new UsageError("pretrain: expected an experiment that makes its model, got none");
    await pretrain({ ...config, pretrain: config.pretrain }, resolve(root, out), context());
  });
program
  .command("run-bias", { hidden: true })
  .requiredOption("--out <folder>")
  .option("--untouched")
  .action(async ({ out, untouched = false }) => {
    const [{ runBias }, config] = await Promise.all([import("./commands/measure.ts"), settings([])]);
    await runBias({ config, out: resolve(root, out), untouched }, context());
  });
program
  .command("run-glue", { hidden: true })
  .requiredOption("--out <folder>")
  .requiredOption("--task <task>")
  .option("--untouched")
  .action(async ({ out, task, untouched = false }) => {
    const [{ runGlue }, config] = await Promise.all([import("./commands/measure.ts"), settings([])]);
    await runGlue({ config, out: resolve(root, out), untouched }, task, context());
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong in one line and returns the exit code: 2 for wrong usage, 1 for everything else. */
function report(error: unknown): number {
  const { code, exitCode } = error as { code?: string; exitCode?: number };
  // commander has printed its own message already; help and version are no errors.
  if (code?.startsWith("commander.") === true) return exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  say(
    `error: ${process.env["PRUNING_BIAS_DEBUG"] === undefined ? message.replaceAll(/\s*\n\s*/g, " ") : (error as Error).stack}`,
  );
  return error instanceof UsageError ? 2 : 1;
}

/** The settings of a run: Nx hands them over whole, people as overrides. */
async function settings(overrides: readonly string[]): Promise<Config> {
  const given = process.env["RUN_CONFIG"];
  if (overrides.length === 0 && given !== undefined) {
    const { Config: Settings } = await import("./config/schema.ts");
    const { data, error } = Settings.safeParse(fromJson(given));
    if (data === undefined)
      throw new UsageError(`RUN_CONFIG: ${error.issues[0]!.path.join(".")}: ${error.issues[0]!.message}`);
    return data;
  }
  const { compose } = await import("./config/compose.ts");
  return compose(overrides).config;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`RUN_CONFIG: expected JSON, got ${(error as Error).message}`);
  }
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
