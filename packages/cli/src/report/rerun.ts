import { compose } from "../config/compose.ts";
import { parseValue } from "../config/overrides.ts";
import { flatten } from "../config/paths.ts";
import { isSecret } from "../config/secrets.ts";
import type { PointResults } from "./results.ts";
import { isOfTraining } from "./settings.ts";

/** The command that does again what of a sweep is not there, or not of these settings any more: its points, their tests and GLUE tasks. */
export const rerunSweepCommand = (sweep: string): string => `pnpm pruning-bias sweep ${shellQuoted(`name=${sweep}`)}`;

/** The command that trains a point again: its preset and the fewest overrides that compose to the same settings. */
export function rerunCommand({ config }: PointResults): string | undefined {
  if (config === undefined) return undefined;
  const preset = `experiment=${String(config["experiment"] ?? "debias")}`;
  const overrides = flatten(config)
    .filter(([path, value]) => path !== "experiment" && isOfTraining(path) && !isSecret(path, value))
    .map(([path, value]) => [path, `${path}=${valueText(value)}`] as const);
  return ["pnpm pruning-bias train", ...[preset, ...fewest(preset, overrides)].map(shellQuoted)].join(" ");
}

type Overrides = readonly (readonly [path: string, override: string])[];

function fewest(preset: string, all: Overrides): string[] {
  const texts = all.map(([, override]) => override);
  const wanted = composed([preset, ...texts]);
  const defaults = ofPreset(preset);
  // Settings of another version, which compose no more: all of them, so that nothing is hidden.
  if (wanted === undefined || defaults === undefined) return texts;
  let kept = all.filter(
    ([path, override]) => defaults.get(path) !== wanted.get(path) || !wanted.has(path) || override === "",
  );
  if (!same(composed([preset, ...kept.map(([, override]) => override)]), wanted)) return texts;
  // A setting may follow from another one (block sizes, the experiment's name): drop those, the last ones first.
  for (const candidate of kept.toReversed()) {
    const fewer = kept.filter((override) => override !== candidate);
    if (same(composed([preset, ...fewer.map(([, override]) => override)]), wanted)) kept = fewer;
  }
  return kept.map(([, override]) => override);
}

const presets = new Map<string, ReturnType<typeof composed>>();

/** Many points have the same preset. */
function ofPreset(preset: string): ReturnType<typeof composed> {
  if (!presets.has(preset)) presets.set(preset, composed([preset]));
  return presets.get(preset);
}

function composed(overrides: readonly string[]): ReadonlyMap<string, string> | undefined {
  try {
    return new Map(flatten(compose(overrides).config).map(([path, value]) => [path, JSON.stringify(value)]));
  } catch {
    return undefined;
  }
}

const same = (a: ReadonlyMap<string, string> | undefined, b: ReadonlyMap<string, string>) =>
  a?.size === b.size && [...b].every(([path, value]) => a.get(path) === value);

/** A value as an override is read: texts that would be read as something else are quoted. */
function valueText(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  if (parseValue(value) === value && !value.includes(",") && value === value.trim()) return value;
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}

const shellQuoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
