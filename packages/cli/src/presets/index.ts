import * as alternatives from "./alternatives.ts";
import { demo } from "./demo.ts";
import * as paper from "./paper.ts";
import type { Preset } from "./preset.ts";

export type { Preset } from "./preset.ts";

/** The presets of the paper under the reference's names, and those of our own. */
export const presets: Readonly<Record<string, Preset>> = { ...paper, ...alternatives, demo };

/** Those that the reference has not. */
export const ownPresets: ReadonlySet<string> = new Set([...Object.keys(alternatives), "demo"]);

export const presetNames: readonly string[] = Object.keys(presets).toSorted();

/** A preset by name, with or without the prefix `debias_`. */
export function findPreset(name: string): Preset | undefined {
  const own = (key: string) => (Object.hasOwn(presets, key) ? presets[key] : undefined);
  return own(name) ?? own(`debias_${name}`);
}
