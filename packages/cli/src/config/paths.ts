import { UsageError } from "../usage-error.ts";

/** A tree of settings as it is while it is composed. */
export type Settings = { [key: string]: unknown };

export const isSettings = (value: unknown): value is Settings =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Keys that would reach into JavaScript itself are keys of no settings. */
const forbidden = new Set(["__proto__", "prototype", "constructor"]);

/** The paths of all leaves, `model.learning_rate`, with their values. */
export function flatten(settings: Settings, prefix = ""): [path: string, value: unknown][] {
  return Object.entries(settings).flatMap(([key, value]) =>
    isSettings(value) ? flatten(value, `${prefix}${key}.`) : [[`${prefix}${key}`, value] as [string, unknown]],
  );
}

/** The value at a path; `undefined` where there is none. */
export function valueAt(settings: Settings, path: string): unknown {
  let node: unknown = settings;
  for (const key of path.split(".")) {
    if (!isSettings(node) || !Object.hasOwn(node, key)) return undefined;
    node = node[key];
  }
  return node;
}

/** Sets the value at a path, in place; branches that are not there, or null, are made. */
export function setAt(settings: Settings, path: string, value: unknown): void {
  const keys = path.split(".");
  if (keys.some((key) => forbidden.has(key))) throw new UsageError(`${path}: expected a setting's name`);
  let node = settings;
  for (const key of keys.slice(0, -1)) {
    if (!isSettings(node[key])) node[key] = {};
    node = node[key] as Settings;
  }
  node[keys.at(-1)!] = value;
}
