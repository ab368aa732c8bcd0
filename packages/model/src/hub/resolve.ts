import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type HubOptions, printable, resolveSnapshot, type Snapshot } from "@pruning-bias/files";
import { shardFiles } from "../stored-weights.ts";

/**
 * The folder of a model: `model` itself where it is one, else its snapshot in the hub's cache, downloaded if need be, as
 * `resolveSnapshot` has it.
 *
 * @throws Error `ID: …`, one line: unreachable hub, no such model or file, a token that is missing or not enough
 */
export async function resolveModel(model: string, options: HubOptions): Promise<string> {
  const found = await stat(model).catch(() => undefined);
  if (found?.isDirectory()) return model;
  if (/\.(bin|pt|pth|ckpt|pkl|pickle)$/i.test(model)) {
    throw new Error(
      `${printable(model)}: expected a model's folder or id, got a pickle by its name, which is never read`,
    );
  }
  return resolveSnapshot({ kind: "model", id: model }, { lacking, fill }, options);
}

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const welcome = ["tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json", "merges.txt"];
const wanted = new Set(["config.json", "tokenizer.json", INDEX, ...welcome]);

/** A file that a snapshot lacks and a model needs, or that it had; `undefined` where it is whole. */
async function lacking(snapshot: string): Promise<string | undefined> {
  const has = (file: string) => existsSync(join(snapshot, file));
  const links = await readdir(snapshot).catch(() => []);
  const lost = links.find((file) => (wanted.has(file) || file.endsWith(".safetensors")) && !has(file));
  if (lost !== undefined) return lost;
  if (!has("config.json")) return "config.json";
  if (!has("tokenizer.json") && !has("vocab.txt")) return "tokenizer.json";
  if (has(WEIGHTS)) return undefined;
  return has(INDEX) ? (await shardFiles(join(snapshot, INDEX))).find((shard) => !has(shard)) : WEIGHTS;
}

async function fill({ folder, fetch, absent }: Snapshot): Promise<void> {
  const need = async (...names: readonly [string, ...string[]]) => {
    for (const name of names) if (await fetch(name)) return;
    throw absent(names[0], names[0] === WEIGHTS ? noWeights : undefined);
  };
  await need("config.json");
  await need("tokenizer.json", "vocab.txt");
  await need(WEIGHTS, INDEX);
  if (!existsSync(join(folder(), WEIGHTS))) {
    for (const shard of await shardFiles(join(folder(), INDEX))) await need(shard);
  }
  for (const file of welcome) await fetch(file);
}

const noWeights = `the model has no ${WEIGHTS} (convert its weights with transformers' save_pretrained, or look for a revision refs/pr/N that has it)`;
