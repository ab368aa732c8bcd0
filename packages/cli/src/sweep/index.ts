export { compose } from "../config/compose.ts";
export { Config } from "../config/schema.ts";
export { UsageError } from "../usage-error.ts";
export { type Code, codeReader } from "./code.ts";
export {
  classifierOf,
  classifierSettings,
  dataProject,
  dataSettings,
  trainSettings,
  untouchedSettings,
} from "./task-settings.ts";
export { type ComposedPoint, composedPoints } from "./composed-points.ts";
export { type Asked, type GlueRun, type Measurement, measurements } from "./measurements.ts";
export { BASELINE, parseSweep, type Point, points, Sweep } from "./points.ts";
export { runSweep, type SweepOptions, type SweepOutcome } from "./run-sweep.ts";
export { readSweepFile, sweepFile, sweepName, writeSweepFile } from "./sweep-file.ts";
