import { compose } from "../config/compose.ts";
import type { Config } from "../config/schema.ts";
import { checkFolders } from "./made-folders.ts";
import { type Point, points, type Sweep } from "./points.ts";

/** A point with all its settings. */
export interface ComposedPoint extends Point {
  /** Presets, overrides and references put together. */
  readonly config: Config;
}

/** All points of a sweep; a setting that is wrong in any of them is an error, and so is one folder for two models. */
export function composedPoints(sweep: Sweep): ComposedPoint[] {
  const composed = points(sweep).map((point) => ({ ...point, config: compose(point.overrides).config }));
  checkFolders(composed.map(({ config }) => config));
  return composed;
}
