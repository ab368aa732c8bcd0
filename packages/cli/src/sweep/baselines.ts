import { classifierOf } from "../config/classifier.ts";
import { digest } from "../config/compose.ts";
import type { Config } from "../config/schema.ts";
import type { ComposedPoint } from "./composed-points.ts";
import { BASELINE } from "./baseline-name.ts";
import { untouchedSettings } from "./task-settings.ts";

/** An untouched model that points start from, measured beside them. */
export interface Baseline {
  /** Of its folder: `baseline`, or of another model than the first point's `baseline-` and a digest of it. */
  readonly name: string;
  /** What its measurements read. */
  readonly config: Config;
  /** Names of the points that start from it. */
  readonly points: readonly string[];
}

/** The untouched models of a sweep, the first point's first: one, unless points start from several, as from classifiers of several tasks. */
export function baselines(runs: readonly ComposedPoint[]): Baseline[] {
  const found = new Map<string, { config: Config; points: string[] }>();
  for (const { name, config } of runs) {
    const key = digest(startOf(config));
    const own = found.get(key) ?? { config: untouchedSettings(config), points: [] };
    own.points.push(name);
    found.set(key, own);
  }
  return [...found].map(([key, own], number) => ({ name: number === 0 ? BASELINE : `${BASELINE}-${key}`, ...own }));
}

/** What decides which model a point starts from, and of a classifier what it is scored on. */
const startOf = (config: Config) => {
  const { model_name, hf_checkpoint } = config.model;
  const classifier = classifierOf(config);
  return {
    ...(hf_checkpoint === null ? { model_name } : { hf_checkpoint }),
    ...(classifier && { task: classifier.task }),
  };
};
