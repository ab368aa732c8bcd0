import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  densitiesOf,
  headsOpen,
  hostMasks,
  type Layout,
  type Pruned,
  readPruned,
  type RunAgreement,
  runAgreement,
} from "@pruning-bias/pruning";
import { sizeOf } from "@pruning-bias/runtime";
import { UsageError } from "../usage-error.ts";

/** What one run left open. */
export interface MasksOfRun {
  readonly run: string;
  readonly threshold: number;
  /** Share of the masked weights that is open, in all and by module. */
  readonly density: number;
  readonly densities: Readonly<Record<string, number>>;
  /** Heads that contribute to the output, by layer. */
  readonly headsOpen: readonly number[];
}

export interface MasksResult {
  readonly runs: readonly MasksOfRun[];
  /** Whether it is the same sub-network each time; where there are several runs. */
  readonly agreement?: RunAgreement;
}

/**
 * What runs left open, and how far they agree.
 *
 * @param places score state dicts, or folders of runs that hold one
 */
export async function masks(places: readonly string[]): Promise<MasksResult> {
  const files = places.map((place) => (place.endsWith(".safetensors") ? place : join(place, "scores.safetensors")));
  for (const file of files) {
    if (!existsSync(file)) throw new UsageError(`masks: expected a run that pruned, got none at ${file}`);
  }
  const pruned = await Promise.all(files.map((path) => readPruned(path)));
  const ofWeights = pruned.findIndex(({ layout }) =>
    layout.scores.some(({ magnitudeOf }) => magnitudeOf !== undefined),
  );
  if (ofWeights >= 0)
    throw new UsageError(`${files[ofWeights]!}: expected scores, got magnitudes of the model's weights`);
  const made = pruned.map(({ layout, scores, threshold }: Pruned) => hostMasks(layout, scores, threshold));
  const runs = pruned.map(({ layout, threshold }, at) => ({
    ...{ run: places[at]!, threshold, ...densitiesOf(layout, made[at]!) },
    headsOpen: headsOpen(layout, made[at]!),
  }));
  return { runs, ...(made.length > 1 && { agreement: runAgreement(made, weightsOf(pruned[0]!.layout)) }) };
}

/** Lines for people. */
export function masksText({ runs, agreement }: MasksResult): string {
  const lines = runs.flatMap(({ run, threshold, density, densities, headsOpen: heads }) => [
    `${run}: density ${density.toFixed(3)} at threshold ${threshold}, heads open ${heads.join(" ")}`,
    ...layersOf(densities).map(([layer, own]) => `  layer ${layer}: ${own.join("  ")}`),
  ]);
  if (agreement === undefined) return lines.join("\n");
  const shown = ({ jaccard, kappa }: RunAgreement["mean"]) => `Jaccard ${jaccard.toFixed(3)}, κ ${kappa.toFixed(3)}`;
  return [
    ...lines,
    `agreement of ${runs.length} runs: ${shown(agreement.mean)}; lowest pair: ${shown(agreement.lowest)}`,
  ].join("\n");
}

const weightsOf = ({ modules }: Layout): Record<string, number> =>
  Object.fromEntries(modules.map(({ name, shape }) => [name, sizeOf(shape)]));

function layersOf(densities: MasksOfRun["densities"]): [layer: string, shown: string[]][] {
  const layers = new Map<string, string[]>();
  for (const [module, density] of Object.entries(densities)) {
    const [, layer = "", name = module] = /^encoder\.layer\.(\d+)\.(.*)$/.exec(module) ?? [];
    layers.set(layer, [...(layers.get(layer) ?? []), `${name} ${density.toFixed(3)}`]);
  }
  return [...layers];
}
