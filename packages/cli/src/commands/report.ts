import { join } from "node:path";
import { writeReport } from "../report/index.ts";
import { composedPoints } from "../sweep/composed-points.ts";
import { type GlueRun, measurements } from "../sweep/measurements.ts";
import { BASELINE, points, type Sweep } from "../sweep/points.ts";
import { readSweepFile, sweepFile } from "../sweep/sweep-file.ts";
import { UsageError } from "../usage-error.ts";

/** Writes the report of a sweep from what its points left; returns its path. */
export async function reportSweep(root: string, name: string): Promise<string> {
  const sweep = readSweepFile(sweepFile(root, name));
  const names = points(sweep).map((point) => point.name);
  return (await writeReport(join(root, "runs"), name, names, glueOf(sweep))).html;
}

/** The GLUE runs of each point; of a sweep whose settings are no longer known nobody can tell, and all that lie there count. */
function glueOf(sweep: Sweep): Map<string, GlueRun[]> | undefined {
  try {
    const runs = composedPoints(sweep).map(({ name, config }) => {
      const asked = measurements(config, sweep);
      return [name, asked.flatMap(({ glue }) => glue ?? [])] as const;
    });
    return new Map([[BASELINE, runs[0]![1]], ...runs]);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
