export { readSweep } from "./read.ts";
export { report } from "./report.ts";
export type { GlueAsked, PointResults, SweepResults } from "./results.ts";
export { writeReport } from "./write.ts";
