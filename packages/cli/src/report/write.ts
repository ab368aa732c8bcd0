import { join } from "node:path";
import { writeWhole } from "../commands/files.ts";
import { readSweep } from "./read.ts";
import { report } from "./report.ts";

/**
 * Writes `report.html` and `results.csv` of a sweep to `RUNS/SWEEP/`, each whole or not at all, and returns their paths.
 *
 * @throws Error in one line that names the file which holds something else than results
 */
export async function writeReport(
  runsDir: string,
  sweep: string,
  points: readonly string[],
): Promise<{ html: string; csv: string }> {
  const { html, csv } = await report(await readSweep(runsDir, sweep, points));
  const dir = join(runsDir, sweep);
  const paths = { html: join(dir, "report.html"), csv: join(dir, "results.csv") };
  await Promise.all([writeWhole(paths.html, html), writeWhole(paths.csv, csv)]);
  return paths;
}
