import { join } from "node:path";
import { writeWhole } from "@pruning-bias/files";
import { writeSums } from "../commands/sums.ts";
import { readSweep } from "./read.ts";
import { report } from "./report.ts";
import type { GlueAsked } from "./results.ts";

/**
 * Writes `report.html`, `results.csv` and `results.tex` of a sweep to `RUNS/SWEEP/`, each whole or not at all, and returns their paths.
 *
 * @param asked GLUE runs of each point by its name; all that are there by default
 * @param baselines the folder of the untouched model that a point started from, by its name; `baseline` by default
 * @throws Error in one line that names the file which holds something else than results
 */
export async function writeReport(
  runsDir: string,
  sweep: string,
  points: readonly string[],
  asked?: ReadonlyMap<string, readonly GlueAsked[]>,
  baselines?: ReadonlyMap<string, string>,
): Promise<{ html: string; csv: string; tex: string }> {
  const { html, csv, tex } = await report(await readSweep(runsDir, sweep, points, asked, baselines));
  const dir = join(runsDir, sweep);
  const paths = { html: join(dir, "report.html"), csv: join(dir, "results.csv"), tex: join(dir, "results.tex") };
  await Promise.all([writeWhole(paths.html, html), writeWhole(paths.csv, csv), writeWhole(paths.tex, tex)]);
  await writeSums(join(dir, "report.sha256"), ["report.html", "results.csv", "results.tex"]);
  return paths;
}
