import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { printable } from "@pruning-bias/files";
import { type Checkpoint, type CheckpointType, loadCheckpoint, modelCard } from "@pruning-bias/model";
import { readProjection, withProjectedHead } from "@pruning-bias/debias/projections";
import { prunedCheckpoint, type PrunedForm, type PruningReport, readPruned } from "@pruning-bias/pruning";
import { z } from "zod";
import { StoredSummary } from "../report/results.ts";
import { PROJECTION } from "../config/alternative.ts";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { readJson } from "./files.ts";
import { modelFolder, within } from "./inputs.ts";
import { saveModel } from "./save-model.ts";
import { checkModel, checkThere, readChecked, readSums } from "./sums.ts";

export interface ExportOptions {
  /** A run's folder, a model's folder, or a model of the hub. */
  readonly model: string;
  readonly to: string;
  /** Whether to write onnx/model.onnx too. */
  readonly onnx: boolean;
  /** Of a run that pruned: `dense` or `compact`. */
  readonly form?: string;
  /** Of the tensors; the model's own where absent. */
  readonly dtype?: string;
}

export interface Exported {
  readonly folder: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly onnx: boolean;
  /** Of a run that pruned: what is left, and what the original would have removed. */
  readonly pruning?: PruningReport;
}

/** Writes a model as a folder that Hugging Face's transformers, and with `onnx` transformers.js, load. */
export async function exportModel(
  { model, to, onnx, form = "dense", dtype }: ExportOptions,
  context: Context,
): Promise<Exported> {
  if (form !== "dense" && form !== "compact") throw new UsageError(`--form: expected dense | compact, got ${form}`);
  if (dtype !== undefined && !isType(dtype)) {
    throw new UsageError(`--dtype: expected ${types.join(" | ")}, got ${dtype}`);
  }
  const { checkpoint, tokenizerFrom, pruning, ...origin } = await sourceOf(model, form, context);
  const folder = within(context.root, to);
  const card = modelCard({ name: basename(folder), checkpoint, onnx, ...origin });
  await saveModel(folder, checkpoint, { tokenizerFrom, onnx, card, ...(dtype !== undefined && { dtype }) });
  const { architectures } = (await readJson(join(folder, "config.json"))) as {
    architectures: string[];
  };
  const parameters = Object.values(checkpoint.weights).reduce((sum, { data }) => sum + data.length, 0);
  context.log(
    `${folder}: ${architectures[0]}, ${parameters.toLocaleString("en")} parameters${onnx ? ", and as ONNX" : ""}`,
  );
  if (pruning !== undefined) context.log(pruningText(pruning));
  return { folder, architecture: architectures[0]!, parameters, onnx, ...(pruning && { pruning }) };
}

/** What is exported, and what its card says of it. */
interface Source {
  readonly checkpoint: Checkpoint;
  readonly tokenizerFrom: string;
  readonly baseModel?: string | undefined;
  readonly made: readonly string[];
  readonly settings?: unknown;
  readonly pruning?: PruningReport;
}

async function sourceOf(name: string, form: PrunedForm, context: Context): Promise<Source> {
  const folder = within(context.root, name);
  if (existsSync(join(folder, "summary.json"))) return runOf(folder, form, context);
  const dir = await modelFolder(name, context);
  await checkModel(dir);
  const local = dir === folder;
  const made = [`Saved by pruning-bias from \`${local ? basename(dir) : name}\`, its weights as they were.`];
  return { checkpoint: await loadCheckpoint(dir), tokenizerFrom: dir, made, baseModel: local ? undefined : name };
}

/** The model that a run has left. */
async function runOf(folder: string, form: PrunedForm, context: Context): Promise<Source> {
  const sums = await readSums(folder);
  const read = async <T extends z.ZodType>(file: string, schema: T): Promise<z.infer<T>> => {
    const path = join(folder, file);
    return stored(schema, await readJson(path, () => readChecked(path, sums)), path);
  };
  const settings = await read("config.json", Settings);
  const { model_name, hf_checkpoint } = settings.model;
  const base = hf_checkpoint ?? model_name;
  for (const name of ["model", "scores.safetensors", PROJECTION]) checkThere(join(folder, name), sums);
  const trained = existsSync(join(folder, "model"));
  const dir = trained ? join(folder, "model") : await modelFolder(base, context);
  const { steps, tokens } = await read("summary.json", StoredSummary);
  const what = trained
    ? "all of its weights were trained"
    : "its weights are as they were, under pruning scores that were trained";
  const made = [
    `Debiased by pruning-bias from \`${base}\` in ${steps} steps over ${tokens.toLocaleString("en")} tokens; ${what}.`,
  ];
  await checkModel(dir);
  const checkpoint = await loadCheckpoint(dir);
  const source = { tokenizerFrom: dir, baseModel: base, settings };
  if (existsSync(join(folder, PROJECTION))) {
    const projection = await readProjection(join(folder, PROJECTION), checkpoint.config.hidden_size);
    const inHead = `Debiased by pruning-bias from \`${base}\`: ${projection.directions.length} directions are projected out of what its masked-language-model head reads. Its hidden states are not projected: plain weights cannot hold that. Settings of the run:`;
    return { ...source, checkpoint: withProjectedHead(checkpoint, projection), made: [inHead] };
  }
  const scores = join(folder, "scores.safetensors");
  if (!existsSync(scores)) return { ...source, checkpoint, made: [...made, "Settings of the run:"] };
  const { checkpoint: pruned, report } = await prunedCheckpoint(checkpoint, await readPruned(scores), form);
  const done = form === "dense" ? "Its masks are multiplied in" : "What its masks leave without effect is removed";
  const loader = form === "dense" ? "" : "; `tools/oracle/python/load_compact.py` of pruning-bias loads it in Python";
  return {
    ...source,
    checkpoint: pruned,
    pruning: report,
    made: [...made, `${done}: ${pruningText(report)}${loader}.`, "Settings of the run:"],
  };
}

/** What is left of a pruned model, beside what the original would have left. */
function pruningText({ density, parameters, headsOpen, reference, layers }: PruningReport): string {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const uniform = sum((layers ?? []).map(({ uniformHeads }) => uniformHeads.length));
  return (
    `${parameters.after.toLocaleString("en")} of ${parameters.before.toLocaleString("en")} parameters, ` +
    `density ${density.toFixed(3)}, ${sum(headsOpen)} heads that contribute` +
    (uniform > 0 ? ` (${uniform} of them attend to all tokens alike)` : "") +
    `; nn_pruning would remove ${reference.removed} heads`
  );
}

/** What the settings of a run say of its model. */
const Settings = z.looseObject({
  model: z.looseObject({ model_name: z.string(), hf_checkpoint: z.string().nullable() }),
});

function stored<T extends z.ZodType>(schema: T, value: unknown, path: string): z.infer<T> {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const [issue] = error.issues;
  throw new Error(
    `${path}: expected what a run leaves, at ${issue!.path.join(".") || "its top"}: ${printable(issue!.message)}`,
  );
}

const types: readonly CheckpointType[] = ["float32", "float16", "bfloat16"];
const isType = (text: string): text is CheckpointType => (types as readonly string[]).includes(text);
