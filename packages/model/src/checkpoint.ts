import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type NDArray, type StoredTensor, toFloat32, writeSafetensors } from "@pruning-bias/runtime";
import writeFileAtomic from "write-file-atomic";
import { type BertConfig, configJson, parseConfig } from "./config.ts";
import { familyOf, headParts } from "./families.ts";
import { hubName, hubNames } from "./names.ts";
import { encoderShapes, hasPart, headShapes, type Shapes } from "./parameters.ts";
import { readStoredWeights } from "./stored-weights.ts";

/** A model on the host: what a Hugging Face folder holds. */
export interface Checkpoint {
  config: BertConfig;
  /** float32, under the names of `Weights`. */
  weights: Record<string, NDArray>;
  /** The folder it came from. */
  dir?: string;
}

/** Files of a tokenizer that go with a checkpoint. */
export const tokenizerFiles = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"];

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
  const family = familyOf(config);
  const kind = classOf(config, weights);
  const prefixed = kind !== "Model";
  const tensors = Object.entries(weights).map(
    ([name, tensor]) => [hubName(family, name, { prefixed }), tensor] as const,
  );
  await mkdir(dir, { recursive: true });
  await writeSafetensors(join(dir, "model.safetensors"), Object.fromEntries(tensors), { format: "pt" });
  if (tokenizerFrom !== undefined && tokenizerFrom !== dir) {
    const files = tokenizerFiles.filter((file) => existsSync(join(tokenizerFrom, file)));
    for (const file of files) await writeFileAtomic(join(dir, file), await readFile(join(tokenizerFrom, file)));
  }
  const { torch_dtype: _, ...kept } = configJson(config);
  const written = { ...kept, architectures: [family.className + kind], dtype: "float32" };
  await writeFileAtomic(join(dir, "config.json"), `${JSON.stringify(sortKeys(written), null, 2)}\n`);
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
