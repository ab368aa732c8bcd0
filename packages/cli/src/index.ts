export { compose, type Composed, digest, knownKeys } from "./config/compose.ts";
export { Config } from "./config/schema.ts";
export { findPreset, type Preset, presets } from "./presets/index.ts";
export { readSweep, report, writeReport } from "./report/index.ts";
export { parseSweep, type Point, points, runSweep, Sweep, type SweepOutcome } from "./sweep/index.ts";
export { UsageError } from "./usage-error.ts";
