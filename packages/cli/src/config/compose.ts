import { sha256, shown } from "@pruning-bias/files";
import type { z } from "zod";
import { findPreset, presets } from "../presets/index.ts";
import { UsageError } from "../usage-error.ts";
import { classifierOf, classifierSettings, pretrainSettings } from "./classifier.ts";
import { debugSettings } from "./debug.ts";
import { isIgnored } from "./ignored.ts";
import { holdsSecret } from "./secrets.ts";
import { nearest } from "./nearest.ts";
import { parseOverride, parseValue } from "./overrides.ts";
import { flatten, isSettings, setAt, type Settings, valueAt } from "./paths.ts";
import { resolveReferences } from "./references.ts";
import { Alternative, Config, Pruning } from "./schema.ts";

/** Groups of settings that are null unless an experiment has them. */
const optionalGroups = { pruning: Pruning, pretrain: Config.shape.pretrain.unwrap(), alternative: Alternative };

/**
 * A whole configuration, and for each of its leaves what set it: `default`, `experiment=NAME` or the override, with the
 * reference that was followed after it: `experiment=NAME: ${prune_block_size}`.
 */
export interface Composed {
  /** Checked, with references resolved. */
  readonly config: Config;
  /** What set each leaf, by its path. */
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * Composes defaults, a preset and overrides (`key=value`), as Hydra does.
 *
 * @throws UsageError in one line: which key, what was expected and what came
 */
export function compose(overrides: readonly string[]): Composed {
  const parsed = overrides.map(parseOverride);
  const name = parsed.findLast(({ key }) => key === "experiment")?.text ?? "debias";
  const preset = findPreset(name) ?? unknown("experiment", name, Object.keys(presets));

  const settings: Settings = Config.parse({});
  const origins = new Map(flatten(settings).map(([path]) => [path, "default"]));
  const apply = (path: string, value: unknown, origin: string) => {
    setAt(settings, path, value);
    for (const key of origins.keys()) if (key.startsWith(`${path}.`)) origins.delete(key);
    origins.set(path, origin);
  };
  for (const [group, schema] of Object.entries(optionalGroups)) {
    const own = preset.settings[group as "pruning"];
    if (own == null) continue;
    origins.delete(group);
    for (const [path, value] of flatten(schema.parse({}) as Settings, `${group}.`)) apply(path, value, "default");
  }
  // A preset's tests take the place of the default ones.
  if (preset.settings.datamodule?.seat_data !== undefined)
    settings["datamodule"] = { ...(settings["datamodule"] as Settings), seat_data: {} };
  for (const [path, value] of flatten(preset.settings as Settings)) apply(path, value, `experiment=${name}`);
  settings["experiment"] = name;
  if (parsed.some(({ key }) => key === "experiment")) origins.set("experiment", `experiment=${name}`);

  for (const { key, text } of parsed) {
    if (key === "experiment" || isIgnored(key)) continue;
    checkKey(key, settings);
    checkSecret(key, text);
    apply(key, parseValue(text), `${key}=${text}`);
  }
  const isPresets = originOf("model.hf_checkpoint", origins).startsWith("experiment=");
  const debug = debugged(settings);
  if (debug !== undefined) {
    for (const [path, value] of Object.entries(debugSettings(settings))) apply(path, value, debug);
  }
  if (origins.get("pretrain_dir") === "default") namePretrained(settings);
  if (isPresets) nameClassifier(settings);
  for (const [path, value] of flatten(settings)) {
    if (typeof value === "string" && value.includes("${")) origins.set(path, `${originOf(path, origins)}: ${value}`);
  }
  const resolved = resolveReferences(settings);
  const { data, error } = Config.safeParse(resolved);
  if (data?.model.loss_alpha === null) data.model.loss_alpha = data.model.debias_loss_form === "direction" ? 2 : 0.2;
  if (data === undefined) throw new UsageError(error.issues.map((issue) => explain(issue, resolved)).join("; "));
  if (data.alternative !== null && data.pruning !== null) {
    throw new UsageError(
      `alternative: expected nothing that is pruned beside it, got alternative.method=${data.alternative.method} and pruning`,
    );
  }
  if (data.model.freeze_weights && data.pruning === null) {
    throw new UsageError(
      `model.freeze_weights: expected false where nothing is pruned, got true, which leaves nothing to train`,
    );
  }
  const { gpus, devices } = data.trainer;
  if (gpus > 0 && devices !== null && devices !== gpus) {
    throw new UsageError(`trainer.devices: expected ${gpus}, as trainer.gpus says, or null, got ${devices}`);
  }
  return { config: data, origins };
}

/** The folder of a model that is made up is named by all that decides it. */
function namePretrained(settings: Settings): void {
  const { data } = Config.safeParse(resolveReferences(settings));
  if (data === undefined || data.pretrain === null) return;
  settings["pretrain_dir"] = `runs/pretrained/${digest(pretrainSettings(data))}`;
}

/** The folder of a classifier is named by all that decides it, as that of a made-up model is: two of other settings do not share one. */
function nameClassifier(settings: Settings): void {
  const { data } = Config.safeParse(resolveReferences(settings));
  if (data === undefined || classifierOf(data) === undefined) return;
  const folder = String(valueAt(settings, "model.hf_checkpoint"));
  setAt(settings, "model.hf_checkpoint", `${folder}-${digest(classifierSettings(data))}`);
}

/** The override that asks for one batch of everything. */
function debugged({ debug, trainer }: Settings): string | undefined {
  if (debug === true) return "debug=true";
  return isSettings(trainer) && trainer["fast_dev_run"] === true ? "trainer.fast_dev_run=true" : undefined;
}

/** What set a setting; a group that was set as a whole speaks for what is in it. */
export function originOf(path: string, origins: Composed["origins"]): string {
  const parents = path.split(".").map((_, depth, all) => all.slice(0, all.length - depth).join("."));
  return parents.map((parent) => origins.get(parent)).find((origin) => origin !== undefined) ?? "default";
}

/** The paths of all that can be set. */
export function knownKeys(): readonly string[] {
  if (known === undefined) {
    const everything = {
      ...Config.parse({}),
      ...Object.fromEntries(Object.entries(optionalGroups).map(([group, schema]) => [group, schema.parse({})])),
    };
    known = flatten(everything as Settings).map(([path]) => path);
  }
  return known;
}

let known: readonly string[] | undefined;

/** The paths of settings and of their groups. */
const isKnown = (key: string): boolean => knownKeys().some((path) => path === key || path.startsWith(`${key}.`));

function checkKey(key: string, settings: Settings): void {
  if (key.startsWith("datamodule.seat_data.") && key.split(".").length === 3) return;
  // Settings that this experiment has not are meant last.
  const isNull = (path: string) => path.includes(".") && settings[path.split(".")[0]!] === null;
  if (!isKnown(key)) {
    unknown(
      key,
      undefined,
      knownKeys().toSorted((a, b) => Number(isNull(a)) - Number(isNull(b))),
    );
  }
  const [group] = key.split(".") as [string];
  if (isNull(key)) {
    throw new UsageError(
      `${key}: expected an experiment with ${group}, got experiment=${String(settings["experiment"])}, which has none`,
    );
  }
}

/** Settings are kept with results, hashed and reported: no place for what nobody else may see. */
function checkSecret(key: string, text: string): void {
  if (!holdsSecret(text)) return;
  throw new UsageError(
    `${key}: expected a value without a token or password, which settings are no place for: a hub's token is HF_TOKEN in the environment`,
  );
}

function unknown(key: string, value: string | undefined, known: readonly string[]): never {
  const what =
    value === undefined
      ? `${key}: expected a known setting`
      : `${key}: expected a preset, got ${JSON.stringify(value)}`;
  const meant = nearest(value ?? key, known);
  const all = value === undefined ? "pruning-bias config lists them" : `they are ${known.join(", ")}`;
  throw new UsageError(meant === undefined ? `${what}; ${all}` : `${what}; did you mean ${meant}?`);
}

function explain(issue: z.core.$ZodIssue, settings: Settings): string {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys")
    return `${[...issue.path, issue.keys[0]].join(".")}: expected a known setting`;
  const value = valueAt(settings, path);
  const got = value === undefined ? "nothing" : shown(value);
  return `${path}: ${expected(issue)}, got ${got}`;
}

function expected(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_value")
    return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" | ")}`;
  if (issue.code === "invalid_union")
    return `expected ${[...new Set(issue.errors.flat().map((inner) => expected(inner).replace(/^expected /, "")))].join(" or ")}`;
  const message = issue.message.replace(/^Invalid input: /, "").replace(/, received .*$/, "");
  return message.replace(/^Too (small|big): expected (number|int) to be /, "expected a number ");
}

/** A short name for a value that does not depend on the order of its keys. */
export function digest(value: unknown): string {
  const sorted = JSON.stringify(value, (_, node: unknown) =>
    isSettings(node) ? Object.fromEntries(Object.entries(node).toSorted(([a], [b]) => (a < b ? -1 : 1))) : node,
  );
  return sha256(sorted).slice(0, 8);
}
