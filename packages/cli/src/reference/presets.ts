import { flatten, type Settings } from "../config/paths.ts";
import { ownPresets, presetNames, presets } from "../presets/index.ts";
import { cell, table } from "./table.ts";

/** All presets as a page: what each is for, and what it sets. */
export function presetsReference(): string {
  const sections = presetNames.map((name) => {
    const { about, settings } = presets[name]!;
    const rows = flatten(settings as Settings).map(([path, value]) => [
      `\`${path}\``,
      cell(`\`${JSON.stringify(value)}\``),
    ]);
    const own = ownPresets.has(name) ? " Ours, not the original's." : "";
    return `## \`experiment=${name}\`\n\n${about[0]!.toUpperCase()}${about.slice(1)}.${own}\n\n${table(["sets", "to"], rows)}`;
  });
  return `# Presets\n\nExperiments under the original's names and some of ours, with or without \`debias_\` in front. What a preset does not set has its [default](settings.md).\n\n${sections.join("\n\n")}\n`;
}
