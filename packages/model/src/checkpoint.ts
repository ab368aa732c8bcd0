import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type NDArray, readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from "@pruning-bias/runtime";
import writeFileAtomic from "write-file-atomic";
import { type BertConfig, parseConfig } from "./config.ts";
import { encoderShapes, hasPart, type HeadPart, headParts, headShapes } from "./parameters.ts";

/** A model on the host: what a Hugging Face folder holds. */
export interface Checkpoint {
  config: BertConfig;
  /** float32, by the names of `Weights`. */
  weights: Record<string, NDArray>;
  /** The folder it came from. */
  dir?: string;
}

/** Files of a tokenizer that go with a checkpoint. */
export const tokenizerFiles = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"];

/**
 * Reads a Hugging Face folder (config.json, model.safetensors). Names may have the prefix `bert.`, LayerNorms `gamma`
 * and `beta`; tensors that are no parameters (`position_ids`, tied decoders) are left out.
 *
 * @throws Error `PATH: …`, one line: a file missing or cut short, tensors missing or of the wrong shape
 */
export async function loadCheckpoint(dir: string): Promise<Checkpoint> {
  const config = parseConfig(await readJson(join(dir, "config.json")), join(dir, "config.json"));
  const path = weightsPath(dir);
  const { tensors } = await readSafetensors(path);
  const found = new Map(Object.entries(tensors).map(([name, tensor]) => [ownName(name), tensor]));
  const parts = headParts.filter((part) => hasPart(config, part, Object.fromEntries(found)));
  const shapes = Object.assign(encoderShapes(config), ...parts.map((part) => headShapes(config, part)));
  checkShapes(path, shapes, found);
  const weights = Object.fromEntries(Object.keys(shapes).map((name) => [name, toFloat32(found.get(name)!)]));
  return { config, weights, dir };
}

/**
 * Writes a folder that Hugging Face's `from_pretrained` loads: config.json, model.safetensors (float32), and the
 * tokenizer's files of the folder `tokenizerFrom`. Each file is there whole or not at all, config.json last.
 */
export async function saveCheckpoint(
  dir: string,
  { config, weights }: Checkpoint,
  { tokenizerFrom }: { tokenizerFrom?: string | undefined } = {},
): Promise<void> {
  const architecture = architectureOf(config, weights);
  const tensors = Object.entries(weights).map(([name, tensor]) => [hubName(name, architecture), tensor] as const);
  await mkdir(dir, { recursive: true });
  await writeSafetensors(join(dir, "model.safetensors"), Object.fromEntries(tensors), { format: "pt" });
  if (tokenizerFrom !== undefined && tokenizerFrom !== dir) {
    const files = tokenizerFiles.filter((file) => existsSync(join(tokenizerFrom, file)));
    for (const file of files) await writeFileAtomic(join(dir, file), await readFile(join(tokenizerFrom, file)));
  }
  const { torch_dtype: _, ...kept } = config;
  const written = { ...kept, architectures: [architecture], dtype: "float32" };
  await writeFileAtomic(join(dir, "config.json"), `${JSON.stringify(sortKeys(written), null, 2)}\n`);
}

/** Head parts that a Hugging Face class holds; the first class that has all that is there, and no more, is written. */
const architectures: Record<string, HeadPart[]> = {
  BertForSequenceClassification: ["classifier"],
  BertForPreTraining: ["masked-lm", "next-sentence"],
  BertForMaskedLM: ["masked-lm"],
  BertForNextSentencePrediction: ["next-sentence"],
  BertModel: [],
};

function architectureOf(config: BertConfig, weights: Readonly<Record<string, unknown>>): string {
  const fits = (name: string) => architectures[name]?.every((part) => hasPart(config, part, weights)) ?? false;
  const declared = config.architectures?.[0];
  if (declared !== undefined && declared !== "BertModel" && fits(declared)) return declared;
  return Object.keys(architectures).find(fits)!;
}

/** Hugging Face's name of a parameter: the encoder and its pooler stand under `bert.` where there is a head. */
const hubName = (name: string, architecture: string): string =>
  architecture === "BertModel" || /^(cls|classifier)\./.test(name) ? name : `bert.${name}`;

const ownName = (name: string): string =>
  name
    .replace(/^bert\./, "")
    .replace(/\.gamma$/, ".weight")
    .replace(/\.beta$/, ".bias");

function weightsPath(dir: string): string {
  const path = join(dir, "model.safetensors");
  if (existsSync(path)) return path;
  if (existsSync(`${path}.index.json`)) throw new Error(`${path}: expected one file, got weights in several shards`);
  if (!existsSync(join(dir, "pytorch_model.bin"))) throw new Error(`${path}: no such file`);
  throw new Error(
    `${path}: no such file, only pytorch_model.bin: convert it in Python with transformers, ` +
      `AutoModel.from_pretrained(dir).save_pretrained(dir)`,
  );
}

function checkShapes(path: string, shapes: Record<string, number[]>, found: Map<string, StoredTensor>): void {
  const names = Object.keys(shapes);
  const missing = names.filter((name) => !found.has(name));
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
