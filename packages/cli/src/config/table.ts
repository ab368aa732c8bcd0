import { type Composed, originOf } from "./compose.ts";
import { isSettings, type Settings } from "./paths.ts";

/** The tree of settings, one on a line, with its value and what set it. */
export function configTable({ config, origins }: Composed): string {
  const rows = rowsOf(config as Settings, "", origins);
  const width = (column: 0 | 1) => Math.min(60, Math.max(...rows.map((row) => row[column].length)));
  const [names, values] = [width(0), width(1)];
  return rows
    .map(([name, value, origin]) => `${name.padEnd(names)}  ${value.padEnd(values)}  ${origin}`.trimEnd())
    .join("\n");
}

type Row = readonly [name: string, value: string, origin: string];

function rowsOf(settings: Settings, path: string, origins: Composed["origins"]): Row[] {
  const indent = "  ".repeat(path === "" ? 0 : path.split(".").length);
  return Object.entries(settings).flatMap(([key, value]): Row[] => {
    const own = path === "" ? key : `${path}.${key}`;
    return isSettings(value)
      ? [[`${indent}${key}`, "", ""], ...rowsOf(value, own, origins)]
      : [[`${indent}${key}`, JSON.stringify(value), originOf(own, origins)]];
  });
}
