import { printable } from "@pruning-bias/files";
import {
  ndarray,
  type NDArray,
  readSafetensors,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from "@pruning-bias/runtime";
import { z } from "zod";
import { patterns } from "./ampere.ts";
import type { Pruned } from "./encode-masked.ts";
import { initial } from "./initial.ts";
import { type EncoderSizes, type Layout, parameterScores, scoreLayout } from "./layout.ts";
import type { HostScores } from "./host-masks.ts";
import { type KnownMethods, parsePruningSettings, type PruningSettings } from "./settings.ts";

/**
 * Reads scores, float32 in the shapes of the layout ([rows, columns] of blocks, [n] neurons), from a safetensors file with
 * nn_pruning's names: one entry for each masked module, equal where modules share a tensor. A prefix such as `bert.` and
 * tensors that are no scores are passed over.
 *
 * @throws Error `PATH: …` listing scores that are missing, unknown, of another shape, or differ where they are shared, or
 *   naming the other family that they belong to
 */
export async function readScores(path: string, layout: Layout): Promise<Record<string, NDArray>> {
  const { tensors, metadata } = await readSafetensors(path);
  const family = layout.sizes.model_type ?? "bert";
  const other = metadata[FAMILY] ?? family;
  if (other !== family) throw new Error(`${path}: expected scores of a ${family}, got those of a ${printable(other)}`);
  const stored = new Map(Object.entries(tensors).map(([name, tensor]) => [name.replace(PREFIX, ""), tensor]));
  const found = new Map([...stored].filter(([name]) => name.endsWith(".mask_scores")));
  const shapes = new Map(layout.scores.map(({ name, shape }) => [name, shape]));
  const scores: Record<string, NDArray> = {};
  const wrong: string[] = [];
  const layers = new Set(Array.from(found.keys(), layerOf));
  const entries = layout.modules.flatMap((module) => module.entries); // magnitudes have none
  const missing = new Set(entries.map(({ name }) => layerOf(name)).filter((layer) => !layers.has(layer)));
  if (missing.size > 0) wrong.push(`expected scores of layer ${[...missing].join(", ")}, got none of it`);
  for (const { name: entry, scores: name } of entries) {
    const tensor = found.get(entry);
    const shape = shapes.get(name)!;
    found.delete(entry);
    if (tensor === undefined) {
      if (!missing.has(layerOf(entry))) wrong.push(`expected ${entry}, got none of that name`);
    } else if (tensor.shape.join() !== shape.join()) wrong.push(unlike(entry, tensor, shape));
    else {
      const read = inOwnOrder(toFloat32(tensor), stored.get(patternOf(entry)));
      if (read === undefined) {
        wrong.push(`${patternOf(entry)}: expected each pattern of two in four once, got others`);
        continue;
      }
      scores[name] ??= read;
      if (!equal(scores[name], read))
        wrong.push(`${entry}: expected the scores of ${name}, which it shares, got others`);
    }
  }
  for (const name of found.keys()) wrong.push(`expected no ${printable(name)} in this layout, got one`);
  if (wrong.length > 0) throw new Error(`${path}: ${listed(wrong)}`);
  return scores;
}

/**
 * Writes scores, in the shapes of the layout ([rows, columns] of blocks, [n] neurons), under nn_pruning's names, shared ones
 * under each, and the settings beside them as JSON, for `readScoreSettings`. Score tensors that are not trained may be left
 * out; they are written all the same.
 *
 * @param metadata further entries of the file's header; none by default
 * @throws Error `PATH: expected scores NAME to write, …` for trained scores that are missing
 */
export async function writeScores(
  path: string,
  layout: Layout,
  scores: HostScores,
  settings: PruningSettings,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const fixed = new Map(
    parameterScores(layout).flatMap((tensor) => (tensor.trained ? [] : [[tensor.name, initial(tensor)]])),
  );
  const tensors = layout.modules.flatMap(({ entries }) =>
    entries.flatMap(({ name: entry, scores: name }) => {
      const array = scores[name] ?? fixed.get(name);
      if (array === undefined) throw new Error(`${path}: expected scores ${name} to write, got none of that name`);
      const annealed = layout.ampere === "annealing" && entry.includes(AMPERE);
      return annealed
        ? [[entry, array] as const, [patternOf(entry), ownPatterns()] as const]
        : [[entry, array] as const];
    }),
  );
  await writeSafetensors(path, Object.fromEntries(tensors), {
    ...metadata,
    [FAMILY]: layout.sizes.model_type ?? "bert",
    [SIZES]: JSON.stringify(EncoderSizesSchema.parse(layout.sizes)),
    [SETTINGS]: JSON.stringify(settings),
  });
}

/**
 * The settings that `writeScores` left in a file; none in files of others.
 *
 * @param known methods of one's own, which files hold the names of
 * @throws Error `PATH: …` for settings that do not parse, or a method that is not known
 */
export async function readScoreSettings(path: string, known?: KnownMethods): Promise<PruningSettings | undefined> {
  const text = (await readSafetensors(path)).metadata[SETTINGS];
  if (text === undefined) return undefined;
  const settings = parsed(path, SETTINGS, text) as PruningSettings;
  try {
    return parsePruningSettings(settings, known);
  } catch (error) {
    throw new Error(`${path}: ${SETTINGS}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Scores and the layout they are in, from a file that `writeScores` wrote: no model is needed to look at masks.
 *
 * @param known methods of one's own, which files hold the names of
 * @throws Error `PATH: …` for files of others, and what `readScores` throws
 */
export async function readPruned(path: string, known?: KnownMethods): Promise<Pruned> {
  const settings = await readScoreSettings(path, known);
  const text = (await readSafetensors(path)).metadata[SIZES];
  if (settings === undefined || text === undefined) {
    throw new Error(`${path}: expected ${SETTINGS} and ${SIZES} in its metadata, got a file without`);
  }
  const sizes = EncoderSizesSchema.safeParse(parsed(path, SIZES, text));
  if (sizes.data === undefined) throw new Error(`${path}: ${SIZES}: ${printable(sizes.error.issues[0]!.message)}`);
  const layout = layoutOf(path, sizes.data, settings);
  return { layout, scores: await readScores(path, layout), threshold: settings.finalThreshold };
}

function parsed(path: string, key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path}: ${key}: expected JSON, got something else`, { cause: error });
  }
}

function layoutOf(path: string, sizes: EncoderSizes, settings: PruningSettings): Layout {
  try {
    return scoreLayout(sizes, settings);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

const SETTINGS = "pruning_settings";
const SIZES = "encoder_sizes";
const size = z.int().positive();
// Larger than any encoder: what a file claims decides how much is made for it.
const EncoderSizesSchema = z.object({
  model_type: z.string().optional(),
  hidden_size: size.max(16_384),
  intermediate_size: size.max(65_536),
  num_hidden_layers: size.max(1000),
  num_attention_heads: size.max(1024),
  num_hidden_groups: size.optional(),
});
const FAMILY = "model_type";
const AMPERE = ".ampere_module.";
/** What stands before the names of an encoder's layers. */
const PREFIX = /^.*?(?=encoder\.layer\.)/;
const MOST_LISTED = 3;

const layerOf = (name: string): string => /^encoder\.layer\.(\d+)\./.exec(name)?.[1] ?? "";

const patternOf = (entry: string) => entry.replace(/context_module\.mask_scores$/, "ampere_pattern");
const ownPatterns = () => ndarray(Float32Array.from(patterns.flat()), [patterns.length, 4]);

/**
 * Scores of the six patterns in the order of ours; nn_pruning stores the order of a Python set beside them. `undefined` where
 * that lacks one.
 */
function inOwnOrder(scores: NDArray, stored: StoredTensor | undefined): NDArray | undefined {
  if (stored === undefined || scores.shape.length !== 3) return scores;
  const order = toFloat32(stored).data;
  const from = patterns.map((pattern) =>
    patterns.findIndex((_, at) => pattern.every((bit, i) => order[at * 4 + i] === bit)),
  );
  if (from.includes(-1)) return undefined;
  const data = Float32Array.from(scores.data, (_, i) => {
    const choice = i % patterns.length;
    return scores.data[i - choice + from[choice]!]!;
  });
  return ndarray(data, scores.shape);
}

const unlike = (entry: string, { shape }: StoredTensor, expected: readonly number[]) =>
  `${entry}: expected shape [${expected.join(",")}], got [${shape.join(",")}]`;

const equal = (a: NDArray, b: NDArray) => a === b || a.data.every((value, index) => value === b.data[index]);

const listed = (problems: readonly string[]): string =>
  problems.length <= MOST_LISTED
    ? problems.join("; ")
    : `${problems.slice(0, MOST_LISTED).join("; ")}; and ${problems.length - MOST_LISTED} more`;
