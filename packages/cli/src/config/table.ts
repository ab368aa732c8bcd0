import type { Composed } from "./compose.ts";
import { flatten, type Settings } from "./paths.ts";

/** Every setting on a line, with its value and what set it. */
export function configTable({ config, origins }: Composed): string {
  const rows = flatten(config as Settings).map(([path, value]) => [
    path,
    JSON.stringify(value),
    originOf(path, origins),
  ]);
  const width = (column: number) => Math.min(60, Math.max(...rows.map((row) => row[column]!.length)));
  const widths = [width(0), width(1)] as const;
  return rows
    .map(([path, value, origin]) => `${path!.padEnd(widths[0])}  ${value!.padEnd(widths[1])}  ${origin}`)
    .join("\n");
}

// A group that was set as a whole speaks for what is in it.
function originOf(path: string, origins: Composed["origins"]): string {
  const parents = path.split(".").map((_, depth, all) => all.slice(0, all.length - depth).join("."));
  return parents.map((parent) => origins.get(parent)).find((origin) => origin !== undefined) ?? "default";
}
