import { join } from "node:path";
import { writeReport } from "../report/index.ts";
import { BASELINE, points } from "../sweep/points.ts";
import { readSweepFile, sweepFile } from "../sweep/sweep-file.ts";

/** Writes the report of a sweep from what its points left; returns its path. */
export async function reportSweep(root: string, name: string): Promise<string> {
  const sweep = readSweepFile(sweepFile(root, name));
  const names = [BASELINE, ...points(sweep).map((point) => point.name)];
  return (await writeReport(join(root, "runs"), name, names)).html;
}
