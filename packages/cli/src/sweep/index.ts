export { compose } from "../config/compose.ts";
export { Config } from "../config/schema.ts";
export { UsageError } from "../usage-error.ts";
export { dataProject, dataSettings, trainSettings } from "./task-settings.ts";
export { BASELINE, parseSweep, type Point, points, Sweep } from "./points.ts";
export { runSweep, type SweepOptions, type SweepOutcome } from "./run-sweep.ts";
export { readSweepFile, sweepFile, sweepName, writeSweepFile } from "./sweep-file.ts";
