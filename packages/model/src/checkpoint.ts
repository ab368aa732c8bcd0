import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "@pruning-bias/files";
import { type NDArray, type StoredTensor, toFloat32, toStored, writeSafetensors } from "@pruning-bias/runtime";
import { type BertConfig, configJson, parseConfig } from "./config.ts";
import { familyOf, headParts } from "./families.ts";
import { hubName, hubNames } from "./names.ts";
import { encoderShapes, hasPart, headShapes, type Shapes } from "./parameters.ts";
import { checkpointToOnnx } from "./onnx.ts";
import { readStoredWeights } from "./stored-weights.ts";

/** A model on the host: what a Hugging Face folder holds. */
export interface Checkpoint {
  /** Checked, as `parseConfig` gives it. */
  config: BertConfig;
  /** float32, under the names of `Weights`, in the shapes of `encoderShapes` and `headShapes`, such as [out, in]. */
  weights: Record<string, NDArray>;
  /** What its files hold, and are to hold again. */
  dtype?: CheckpointType;
  /** Tensors of its files that are no parameters of ours, such as those of other heads. */
  ignored?: readonly string[];
  /** The folder it came from. */
  dir?: string;
}

/** Hugging Face's names of element types. */
export type CheckpointType = keyof typeof storedTypes;
const storedTypes = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;

/** What is written beside config and weights, and as which type. */
export interface SaveOptions {
  /** A folder whose tokenizer's files go with it; none by default. */
  readonly tokenizerFrom?: string | undefined;
  /** Of the tensors in the file; by default the checkpoint's own, or float32. */
  readonly dtype?: CheckpointType;
  /** Whether to write onnx/model.onnx too, where transformers.js looks for it; `false` by default. */
  readonly onnx?: boolean;
  /** README.md, as `modelCard` makes it; none by default. */
  readonly card?: string;
}

/** Files of a tokenizer that go with a checkpoint. */
export const tokenizerFiles = [
  ...["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"],
  ...["vocab.txt", "vocab.json", "merges.txt", "spiece.model"],
];

/**
 * Reads a Hugging Face folder (config.json, model.safetensors). Tensors may have their family's prefix, such as `bert.`,
 * LayerNorms `gamma` and `beta`; what is no parameter (`position_ids`, tied decoders, other heads) is left out.
 *
 * @throws Error `PATH: …`, one line: a file missing or cut short, tensors missing or of the wrong shape
 */
export async function loadCheckpoint(dir: string): Promise<Checkpoint> {
  const config = parseConfig(await readJson(join(dir, "config.json")), join(dir, "config.json"));
  const { path, tensors } = await readStoredWeights(dir);
  const stored = (name: string): StoredTensor | undefined =>
    hubNames(familyOf(config), name)
      .map((known) => tensors[known])
      .find((tensor) => tensor !== undefined);
  const parts = headParts.map((part) => headShapes(config, part));
  const there = parts.filter((shapes) => Object.keys(shapes).some((name) => stored(name) !== undefined));
  const shapes: Shapes = Object.assign(encoderShapes(config), ...there);
  const found = new Map(Object.keys(shapes).map((name) => [name, stored(name)]));
  checkShapes(path, shapes, found);
  const weights = Object.fromEntries([...found].map(([name, tensor]) => [name, toFloat32(tensor!)]));
  const dtype = dtypeOf([...found.values()]);
  return { config, weights, dtype, ignored: strangers(config, Object.keys(shapes), tensors), dir };
}

/**
 * Writes a folder that Hugging Face's `from_pretrained` loads: config.json, model.safetensors under the family's own
 * names, and what `options` ask for. Each file is there whole or not at all, config.json last.
 */
export async function saveCheckpoint(
  dir: string,
  checkpoint: Checkpoint,
  { tokenizerFrom, dtype = checkpoint.dtype ?? "float32", onnx = false, card }: SaveOptions = {},
): Promise<void> {
  const { config, weights } = checkpoint;
  const family = familyOf(config);
  const kind = classOf(config, weights);
  const prefixed = kind !== "Model";
  const tensors = Object.entries(weights).map(
    ([name, tensor]) => [hubName(family, name, { prefixed }), toStored(tensor, storedTypes[dtype])] as const,
  );
  await writeSafetensors(join(dir, "model.safetensors"), Object.fromEntries(tensors), { format: "pt" });
  if (tokenizerFrom !== undefined && tokenizerFrom !== dir) {
    const files = tokenizerFiles.filter((file) => existsSync(join(tokenizerFrom, file)));
    for (const file of files) await writeWhole(join(dir, file), await readFile(join(tokenizerFrom, file)));
  }
  if (onnx) await writeWhole(join(dir, "onnx/model.onnx"), checkpointToOnnx(checkpoint));
  if (card !== undefined) await writeWhole(join(dir, "README.md"), card);
  const { torch_dtype: _, ...kept } = configJson(config);
  const written = { ...kept, architectures: [family.className + kind], dtype };
  await writeWhole(join(dir, "config.json"), `${JSON.stringify(sortKeys(written), null, 2)}\n`);
}

/** The type that most of a checkpoint is of. */
function dtypeOf(tensors: readonly (StoredTensor | undefined)[]): CheckpointType {
  const mostly = (dtype: string) => tensors.filter((tensor) => tensor?.dtype === dtype).length * 2 > tensors.length;
  if (mostly("F16")) return "float16";
  return mostly("BF16") ? "bfloat16" : "float32";
}

/** Tensors that are no parameters, without those that say nothing: position ids, decoders that are tied. */
function strangers(config: BertConfig, names: readonly string[], stored: Readonly<Record<string, unknown>>): string[] {
  const known = new Set(names.flatMap((name) => hubNames(familyOf(config), name)));
  const silent = /(position_ids|decoder\.(weight|bias)|vocab_projector\.weight|generator_lm_head\.weight)$/;
  return Object.keys(stored).filter((name) => !known.has(name) && !silent.test(name));
}

/** The class that a checkpoint is of, without the family's name: the one that it declares, where its tensors fit. */
function classOf(config: BertConfig, weights: Readonly<Record<string, unknown>>): string {
  const { className, classes } = familyOf(config);
  const fits = (kind: string) => classes[kind]?.every((part) => hasPart(config, part, weights)) ?? false;
  const declared = Object.keys(classes).find((kind) => className + kind === config.architectures?.[0]);
  if (declared !== undefined && declared !== "Model" && fits(declared)) return declared;
  return Object.keys(classes).find(fits)!;
}

function checkShapes(path: string, shapes: Shapes, found: Map<string, StoredTensor | undefined>): void {
  const names = Object.keys(shapes);
  const missing = names.filter((name) => found.get(name) === undefined);
  if (missing.length > 0) {
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
    throw new Error(`${path}: expected ${names.length} tensors, missing ${missing.slice(0, 5).join(", ")}${more}`);
  }
  for (const name of names) {
    const { shape } = found.get(name)!;
    if (String(shape) === String(shapes[name])) continue;
    throw new Error(`${path}: ${name}: expected shape [${shapes[name]!.join(",")}], got [${shape.join(",")}]`);
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === "ENOENT" ? `${path}: no such file` : `${path}: cannot be read (${error.code})`);
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${path}: expected JSON, got something else (cut short?)`);
  }
}

const sortKeys = (object: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
