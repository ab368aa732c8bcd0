import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { printable } from "@pruning-bias/files";
import { readSafetensors, type StoredTensor } from "@pruning-bias/runtime";
import { z } from "zod";

/** The tensors of a Hugging Face folder as they are stored, and the file that errors about them name. */
export interface StoredWeights {
  readonly path: string;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
}

/**
 * Reads model.safetensors, or the shards that model.safetensors.index.json lists.
 *
 * @throws Error `PATH: …`, one line: no such file, a pickle alone, a shard that lacks what the index says it has
 */
export async function readStoredWeights(dir: string): Promise<StoredWeights> {
  const path = join(dir, "model.safetensors");
  if (existsSync(path)) return { path, tensors: (await readSafetensors(path)).tensors };
  const index = `${path}.index.json`;
  if (existsSync(index)) return { path: index, tensors: await readShards(dir, index) };
  if (!existsSync(join(dir, "pytorch_model.bin")) && !existsSync(join(dir, "pytorch_model.bin.index.json"))) {
    throw new Error(`${path}: no such file`);
  }
  throw new Error(
    `${path}: no such file, only pytorch_model.bin: convert it in Python with transformers, ` +
      `AutoModel.from_pretrained(dir).save_pretrained(dir)`,
  );
}

/** The files that an index of shards names, each once. */
export async function shardFiles(index: string): Promise<string[]> {
  return [...new Set(Object.values(await readIndex(index)))];
}

async function readShards(dir: string, index: string): Promise<Record<string, StoredTensor>> {
  const places = await readIndex(index);
  const tensors: Record<string, StoredTensor> = {};
  for (const file of new Set(Object.values(places))) {
    const shard = await readSafetensors(join(dir, file));
    for (const [name, where] of Object.entries(places)) {
      if (where !== file) continue;
      const tensor = Object.hasOwn(shard.tensors, name) ? shard.tensors[name] : undefined;
      if (tensor === undefined)
        throw new Error(`${join(dir, file)}: expected ${printable(name)}, as the index says, found none`);
      tensors[name] = tensor;
    }
  }
  return tensors;
}

// A file beside the index: nothing that leads elsewhere, and no pickle.
const Index = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[\w-][\w.-]*\.safetensors$/)) });

async function readIndex(path: string): Promise<Record<string, string>> {
  try {
    return Index.parse(JSON.parse(await readFile(path, "utf8"))).weight_map;
  } catch (error) {
    throw new Error(`${path}: expected an index of safetensors shards, got something else`, { cause: error });
  }
}
