import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { classifierOf, classifierSettings } from "../config/classifier.ts";
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
  /** All that decides what is made, as text. */
  readonly settings: string;
  /** A setting that may differ, for the advice. */
  readonly example: string;
}

function madeFolders(config: Config): MadeFolder[] {
  const { pretrain, pretrain_dir, data_dir, backend } = config;
  const root = classifierOf(config)?.root;
  return [
    ...(pretrain === null
      ? []
      : [made(pretrain_dir, "pretrain_dir", { pretrain, data_dir, backend }, "pretrain.steps")]),
    ...(root === undefined ? [] : [made(root, "model.hf_checkpoint", classifierSettings(config), "finetune.epochs")]),
  ];
}

const made = (folder: string, key: string, settings: object, example: string): MadeFolder => ({
  ...{ folder, key, example },
  settings: JSON.stringify(settings),
});

/**
 * One folder cannot hold two models: the second one would take the first one's place, or Nx put both tasks into one.
 *
 * @throws UsageError in one line where points of one sweep want that
 */
export function checkFolders(configs: readonly Config[]): void {
  const found = new Map<string, string>();
  for (const one of configs.flatMap(madeFolders)) {
    const other = found.get(one.folder) ?? one.settings;
    found.set(one.folder, one.settings);
    if (other !== one.settings) throw new UsageError(complaint(one, "for two of other settings"));
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
      if (one === undefined || one.settings === settings) continue;
      throw new UsageError(complaint(one, `that experiments/${other}/sweep.json makes with other settings`));
    }
  }
}

const complaint = ({ key, folder, example }: MadeFolder, where: string): string =>
  `${key}: expected a folder for each model that is made, got ${folder} ${where}; put what differs into it, as \${${example}}`;

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
