import { type NDArray, readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from "@pruning-bias/runtime";
import { initial, type Layout } from "./layout.ts";
import type { HostScores } from "./host-masks.ts";
import { parsePruningSettings, type PruningSettings } from "./settings.ts";

/**
 * Reads scores from a safetensors file with nn_pruning's names: one entry for each masked module, equal where modules
 * share a tensor. A prefix such as `bert.` and tensors that are no scores are passed over.
 *
 * @throws Error `PATH: …` listing scores that are missing, unknown, of another shape, or differ where they are shared
 */
export async function readScores(path: string, layout: Layout): Promise<Record<string, NDArray>> {
  const { tensors } = await readSafetensors(path);
  const found = new Map(
    Object.entries(tensors)
      .filter(([name]) => name.endsWith(".mask_scores"))
      .map(([name, tensor]) => [name.replace(/^.*?(?=encoder\.layer\.)/, ""), tensor] as const),
  );
  const shapes = new Map(layout.scores.map(({ name, shape }) => [name, shape]));
  const scores: Record<string, NDArray> = {};
  const wrong: string[] = [];
  for (const { entry, scores: name } of layout.modules) {
    const stored = found.get(entry);
    const shape = shapes.get(name)!;
    found.delete(entry);
    if (stored === undefined) wrong.push(`expected ${entry}, got none of that name`);
    else if (stored.shape.join() !== shape.join()) wrong.push(unlike(entry, stored, shape));
    else {
      const read = toFloat32(stored);
      scores[name] ??= read;
      if (!equal(scores[name], read))
        wrong.push(`${entry}: expected the scores of ${name}, which it shares, got others`);
    }
  }
  for (const name of found.keys()) wrong.push(`expected no ${name} in this layout, got one`);
  if (wrong.length > 0) throw new Error(`${path}: ${listed(wrong)}`);
  return scores;
}

/**
 * Writes scores under nn_pruning's names, shared ones under each, and the settings beside them as JSON, for
 * `readScoreSettings`. Score tensors that are not trained may be left out; they are written all the same.
 */
export async function writeScores(
  path: string,
  layout: Layout,
  scores: HostScores,
  settings: PruningSettings,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const fixed = new Map(layout.scores.flatMap((tensor) => (tensor.trained ? [] : [[tensor.name, initial(tensor)]])));
  const tensors = layout.modules.map(({ entry, scores: name }) => {
    const array = scores[name] ?? fixed.get(name);
    if (array === undefined) throw new Error(`${path}: expected scores ${name} to write, got none of that name`);
    return [entry, array] as const;
  });
  await writeSafetensors(path, Object.fromEntries(tensors), { ...metadata, [SETTINGS]: JSON.stringify(settings) });
}

/** The settings that `writeScores` left in a file; none in files of others. */
export async function readScoreSettings(path: string): Promise<PruningSettings | undefined> {
  const text = (await readSafetensors(path)).metadata[SETTINGS];
  if (text === undefined) return undefined;
  try {
    return parsePruningSettings(JSON.parse(text) as PruningSettings);
  } catch (error) {
    throw new Error(`${path}: ${SETTINGS}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

const SETTINGS = "pruning_settings";
const MOST_LISTED = 3;

const unlike = (entry: string, { shape }: StoredTensor, expected: readonly number[]) =>
  `${entry}: expected shape [${expected.join(",")}], got [${shape.join(",")}]`;

const equal = (a: NDArray, b: NDArray) => a === b || a.data.every((value, index) => value === b.data[index]);

const listed = (problems: readonly string[]): string =>
  problems.length <= MOST_LISTED
    ? problems.join("; ")
    : `${problems.slice(0, MOST_LISTED).join("; ")}; and ${problems.length - MOST_LISTED} more`;
