import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Checkpoint, type CheckpointType, loadCheckpoint, modelCard, saveCheckpoint } from "@pruning-bias/model";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { modelFolder, within } from "./inputs.ts";

export interface ExportOptions {
  /** A run's folder, a model's folder, or a model of the hub. */
  readonly model: string;
  readonly to: string;
  /** Whether to write onnx/model.onnx too. */
  readonly onnx: boolean;
  /** Of the tensors; the model's own where absent. */
  readonly dtype?: string;
}

export interface Exported {
  readonly folder: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly onnx: boolean;
}

/** Writes a model as a folder that Hugging Face's transformers, and with `onnx` transformers.js, load. */
export async function exportModel({ model, to, onnx, dtype }: ExportOptions, context: Context): Promise<Exported> {
  if (dtype !== undefined && !isType(dtype)) {
    throw new UsageError(`--dtype: expected ${types.join(" | ")}, got ${dtype}`);
  }
  const { checkpoint, tokenizerFrom, ...origin } = await sourceOf(model, context);
  const folder = within(context.root, to);
  const card = modelCard({ name: basename(folder), checkpoint, onnx, ...origin });
  await saveCheckpoint(folder, checkpoint, { tokenizerFrom, onnx, card, ...(dtype !== undefined && { dtype }) });
  const { architectures } = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as {
    architectures: string[];
  };
  const parameters = Object.values(checkpoint.weights).reduce((sum, { data }) => sum + data.length, 0);
  context.log(
    `${folder}: ${architectures[0]}, ${parameters.toLocaleString("en")} parameters${onnx ? ", and as ONNX" : ""}`,
  );
  return { folder, architecture: architectures[0]!, parameters, onnx };
}

/** What is exported, and what its card says of it. */
interface Source {
  readonly checkpoint: Checkpoint;
  readonly tokenizerFrom: string;
  readonly baseModel?: string | undefined;
  readonly made: readonly string[];
  readonly settings?: unknown;
}

async function sourceOf(name: string, context: Context): Promise<Source> {
  const folder = within(context.root, name);
  if (existsSync(join(folder, "summary.json"))) return runOf(folder);
  const dir = await modelFolder(name, context);
  const local = dir === folder;
  const made = [`Saved by pruning-bias from \`${local ? basename(dir) : name}\`, its weights as they were.`];
  return { checkpoint: await loadCheckpoint(dir), tokenizerFrom: dir, made, baseModel: local ? undefined : name };
}

/** The model that a run has left. */
async function runOf(folder: string): Promise<Source> {
  if (existsSync(join(folder, "scores.safetensors"))) {
    throw new Error(`${folder}: expected a run without pruning, got one whose scores mask the model`);
  }
  const [settings, summary] = await Promise.all(
    ["config.json", "summary.json"].map(async (file) => JSON.parse(await readFile(join(folder, file), "utf8"))),
  );
  const dir = join(folder, "model");
  const { model_name, hf_checkpoint } = (settings as { model: { model_name: string; hf_checkpoint: string | null } })
    .model;
  const base = hf_checkpoint ?? model_name;
  const { steps, tokens } = summary as { steps: number; tokens: number };
  const made = [
    `Debiased by pruning-bias from \`${base}\` in ${steps} steps over ${tokens.toLocaleString("en")} tokens; all of its weights were trained.`,
    "Settings of the run:",
  ];
  return { checkpoint: await loadCheckpoint(dir), tokenizerFrom: dir, baseModel: base, made, settings };
}

const types: readonly CheckpointType[] = ["float32", "float16", "bfloat16"];
const isType = (text: string): text is CheckpointType => (types as readonly string[]).includes(text);
