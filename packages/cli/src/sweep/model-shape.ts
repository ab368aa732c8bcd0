import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { BertConfig } from "@pruning-bias/model";
import type { Config } from "../config/schema.ts";

/** Sizes of an encoder, as far as they decide what a step costs. */
export interface ModelShape {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly intermediate: number;
  readonly vocabulary: number;
  /** Layers that have weights of their own: ALBERT's share one layer's. */
  readonly ownLayers: number;
}

/** Sizes of a model that is loaded. */
export const shapeOf = (config: BertConfig): ModelShape => ({
  layers: config.num_hidden_layers,
  hidden: config.hidden_size,
  heads: config.num_attention_heads,
  intermediate: config.intermediate_size,
  vocabulary: config.vocab_size,
  ownLayers: config.num_hidden_groups ?? config.num_hidden_layers,
});

const base = { layers: 12, hidden: 768, heads: 12, intermediate: 3072, ownLayers: 12 };

/** The models of the paper, so that their sweeps can be priced before they are downloaded. */
const published: Readonly<Record<string, ModelShape>> = {
  "bert-base-uncased": { ...base, vocabulary: 30_522 },
  "distilbert-base-uncased": { ...base, layers: 6, ownLayers: 6, vocabulary: 30_522 },
  "roberta-base": { ...base, vocabulary: 50_265 },
  "albert-base-v2": { ...base, ownLayers: 1, vocabulary: 30_000 },
  "google/electra-small-discriminator": {
    ...{ layers: 12, hidden: 256, heads: 4, intermediate: 1024, ownLayers: 12, vocabulary: 30_522 },
  },
};

/** Sizes of a run's model: as it will be made, from its folder, from the hub's cache, or as published. */
export function modelShape({ model, pretrain }: Config, root: string, hubCache: string): ModelShape | undefined {
  if (pretrain !== null) {
    const { num_hidden_layers: layers, hidden_size: hidden, num_attention_heads: heads } = pretrain;
    return { layers, hidden, heads, intermediate: pretrain.intermediate_size, vocabulary: 300, ownLayers: layers };
  }
  const name = model.hf_checkpoint ?? model.model_name;
  const file = [folderOf(root, name), ...snapshots(hubCache, name)]
    .map((folder) => join(folder, "config.json"))
    .find(existsSync);
  return (file === undefined ? undefined : shapeIn(file)) ?? published[name] ?? published[model.model_name];
}

const folderOf = (root: string, name: string) => (isAbsolute(name) ? name : join(root, name));

function snapshots(hubCache: string, name: string): string[] {
  const folder = join(hubCache, `models--${name.replaceAll("/", "--")}`, "snapshots");
  return existsSync(folder) ? readdirSync(folder).map((revision) => join(folder, revision)) : [];
}

/** The families have names of their own for the same sizes. */
function shapeIn(file: string): ModelShape | undefined {
  let stored: unknown;
  try {
    stored = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
  if (typeof stored !== "object" || stored === null) return undefined;
  const sizes = stored as Record<string, unknown>;
  const size = (...names: string[]) => names.map((name) => sizes[name]).find((value) => typeof value === "number");
  const [layers, hidden] = [size("num_hidden_layers", "n_layers"), size("hidden_size", "dim")];
  const [heads, intermediate] = [size("num_attention_heads", "n_heads"), size("intermediate_size", "hidden_dim")];
  const vocabulary = size("vocab_size");
  if (!layers || !hidden || !heads || !intermediate || !vocabulary) return undefined;
  const ownLayers = sizes["model_type"] === "albert" ? 1 : layers;
  return { layers, hidden, heads, intermediate, vocabulary, ownLayers };
}
