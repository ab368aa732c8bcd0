import { compose } from "../config/compose.ts";
import type { Config } from "../config/schema.ts";
import { type Point, points, type Sweep } from "./points.ts";

/** A point with all its settings. */
export interface ComposedPoint extends Point {
  /** Presets, overrides and references put together. */
  readonly config: Config;
}

/** All points of a sweep; a setting that is wrong in any of them is an error. */
export const composedPoints = (sweep: Sweep): ComposedPoint[] =>
  points(sweep).map((point) => ({ ...point, config: compose(point.overrides).config }));
