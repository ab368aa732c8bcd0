import { flatten } from "../config/paths.ts";
import { once } from "./once.ts";
import { isSecret } from "../config/secrets.ts";
import type { PointResults } from "./results.ts";

/** A point's settings by path, as text; secrets are left out. */
export const settingsOf = once(({ config }: PointResults): ReadonlyMap<string, string> => {
  const leaves = flatten(config ?? {}).map(([path, value]) => [path, settingText(path, value)] as const);
  return new Map(leaves.filter(([path]) => isOfTraining(path)));
});

/** Training is given no settings of GLUE, so what stands there in a point's settings is nobody's. */
export const isOfTraining = (path: string): boolean => !path.startsWith("finetune.") && path !== "datamodule.glue_data";

/** The paths that are not the same in all points that have settings, in the order of the settings. */
export const differing = once((points: readonly PointResults[]): string[] => {
  const { paths, same } = inAll(points);
  // The experiment's name is put together from the others.
  return paths.filter((path) => !same(path) && path !== "exp_name");
});

/** The settings that all points share which have any. */
export function shared(points: readonly PointResults[]): [path: string, text: string][] {
  const { all, paths, same } = inAll(points);
  return paths.filter(same).map((path) => [path, all[0]!.get(path)!]);
}

function inAll(points: readonly PointResults[]) {
  const all = points.filter(({ config }) => config !== undefined).map(settingsOf);
  const paths = [...new Set(all.flatMap((settings) => [...settings.keys()]))];
  const same = (path: string) => new Set(all.map((settings) => settings.get(path))).size === 1;
  return { all, paths, same };
}

function settingText(path: string, value: unknown): string {
  if (isSecret(path, value)) return "(not shown)";
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
