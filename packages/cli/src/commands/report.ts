import { join } from "node:path";
import { writeReport } from "../report/index.ts";
import { baselines } from "../sweep/baselines.ts";
import { composedPoints } from "../sweep/composed-points.ts";
import { type GlueRun, measurements } from "../sweep/measurements.ts";
import { points, type Sweep } from "../sweep/points.ts";
import { readSweepFile, sweepFile } from "../sweep/sweep-file.ts";
import { UsageError } from "../usage-error.ts";

/** Writes the report of a sweep from what its points left; returns its path. */
export async function reportSweep(root: string, name: string): Promise<string> {
  const sweep = readSweepFile(sweepFile(root, name));
  const names = points(sweep).map((point) => point.name);
  const { asked, untouched } = planOf(sweep) ?? {};
  return (await writeReport(join(root, "runs"), name, names, asked, untouched)).html;
}

interface Plan {
  /** GLUE runs of each point and untouched model. */
  readonly asked: ReadonlyMap<string, readonly GlueRun[]>;
  /** The untouched model that each point starts from. */
  readonly untouched: ReadonlyMap<string, string>;
}

/** What a sweep asks for; of one whose settings are no longer known nobody can tell, and all that lies there counts. */
function planOf(sweep: Sweep): Plan | undefined {
  try {
    const runs = composedPoints(sweep);
    const models = baselines(runs);
    const asked = [...models, ...runs].map(({ name, config }) => {
      return [name, measurements(config, sweep).flatMap(({ glue }) => glue ?? [])] as const;
    });
    const untouched = models.flatMap(({ name, points }) => points.map((point) => [point, name] as const));
    return { asked: new Map(asked), untouched: new Map(untouched) };
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
