import { UsageError } from "../usage-error.ts";
import { isSettings, type Settings, valueAt } from "./paths.ts";

/** Replaces every `${path}` by the setting at that path, as Hydra does; a text that is one reference takes its type. */
export function resolveReferences(settings: Settings): Settings {
  const resolve = (value: unknown, trail: readonly string[]): unknown => {
    if (Array.isArray(value)) return value.map((item) => resolve(item, trail));
    if (isSettings(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, resolve(child, trail)]));
    }
    if (typeof value !== "string") return value;
    const whole = /^\$\{([^{}]+)\}$/.exec(value);
    if (whole) return lookUp(whole[1]!, trail);
    const text = value.replace(/\$\{([^{}]+)\}/g, (_, path: string) => String(lookUp(path, trail)));
    if (text.length <= LONGEST) return text;
    throw new UsageError(`${value}: expected a text of at most ${LONGEST} characters, got ${text.length}`);
  };
  const lookUp = (path: string, trail: readonly string[]): unknown => {
    if (trail.includes(path))
      throw new UsageError(`\${${path}}: expected a value, got a circle: ${[...trail, path].join(" → ")}`);
    const value = valueAt(settings, path);
    if (value === undefined) throw new UsageError(`\${${path}}: expected the name of a setting, got none of that name`);
    return resolve(value, [...trail, path]);
  };
  return resolve(settings, []) as Settings;
}

/** References to references grow without end: ten settings that each name the next one twice are a thousand times the last. */
const LONGEST = 10_000;
