import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { classifierOf, classifierSettings, pretrainSettings } from "../config/classifier.ts";
import { compose } from "../config/compose.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";
import { points } from "./points.ts";
import { readSweepFile, sweepFile } from "./sweep-file.ts";

/** A folder whose contents are made before points run. */
interface MadeFolder {
  readonly folder: string;
  /** The setting that names it. */
  readonly key: string;
  /** All that decides what is made. */
  readonly settings: object;
}

function madeFolders(config: Config): MadeFolder[] {
  const classifier = classifierOf(config);
  return [
    ...(config.pretrain === null
      ? []
      : [{ folder: config.pretrain_dir, key: "pretrain_dir", settings: pretrainSettings(config) }]),
    ...(classifier === undefined
      ? []
      : [{ folder: classifier.root, key: "model.hf_checkpoint", settings: classifierSettings(config) }]),
  ];
}

/**
 * One folder cannot hold two models: the second one would take the first one's place, or Nx put both tasks into one.
 *
 * @throws UsageError in one line where points of one sweep want that
 */
export function checkFolders(configs: readonly Config[]): void {
  const found = new Map<string, object>();
  for (const one of configs.flatMap(madeFolders)) {
    const other = found.get(one.folder) ?? one.settings;
    found.set(one.folder, one.settings);
    expectSame(one, other, "for two of other settings");
  }
}

/** The same of the sweep NAME and all others of the workspace: their tasks lie in one graph. @throws UsageError in one line */
export function checkOtherSweeps(root: string, name: string, configs: readonly Config[]): void {
  const own = new Map(configs.flatMap(madeFolders).map((one) => [one.folder, one]));
  if (own.size === 0) return;
  for (const other of sweepsOf(root)) {
    if (other === name) continue;
    for (const { folder, settings } of composed(root, other).flatMap(madeFolders)) {
      const one = own.get(folder);
      if (one !== undefined)
        expectSame(one, settings, `that experiments/${other}/sweep.json makes with other settings`);
    }
  }
}

function expectSame({ key, folder, settings }: MadeFolder, other: object, where: string): void {
  const setting = difference(settings, other);
  if (setting === undefined) return;
  throw new UsageError(
    `${key}: expected a folder for each model that is made, got ${folder} ${where}; put what differs into it, as \${${setting}}`,
  );
}

/** The first setting, by its path, in which two differ. */
function difference(one: unknown, other: unknown): string | undefined {
  if (JSON.stringify(one) === JSON.stringify(other)) return undefined;
  if (!isGroup(one) || !isGroup(other)) return "";
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const below = difference(one[key], other[key]);
    if (below !== undefined) return below === "" ? key : `${key}.${below}`;
  }
  return undefined;
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const sweepsOf = (root: string): string[] => {
  const folder = join(root, "experiments");
  return existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(sweepFile(root, name))) : [];
};

/** Settings of a sweep's points; of one that cannot be read, which says so itself where it is run, none. */
function composed(root: string, name: string): Config[] {
  try {
    return points(readSweepFile(sweepFile(root, name))).map(({ overrides }) => compose(overrides).config);
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}
