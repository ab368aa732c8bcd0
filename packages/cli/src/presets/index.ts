import { demo } from "./demo.ts";
import * as paper from "./paper.ts";
import type { Preset } from "./preset.ts";

export type { Preset } from "./preset.ts";

/** The presets under the reference's names. */
export const presets: Readonly<Record<string, Preset>> = { ...paper, demo };

export const presetNames: readonly string[] = Object.keys(presets).toSorted();

/** A preset by name, with or without the prefix `debias_`. */
export function findPreset(name: string): Preset | undefined {
  const own = (key: string) => (Object.hasOwn(presets, key) ? presets[key] : undefined);
  return own(name) ?? own(`debias_${name}`);
}
