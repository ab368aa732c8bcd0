import { join } from "node:path";
import { measureBias } from "../bias/measure.ts";
import type { Context } from "./context.ts";
import { writeJson } from "./files.ts";
import { loadSeatTests, openJit } from "./inputs.ts";
import { loadRun, type Subject } from "./load-run.ts";
import { writeSums } from "./sums.ts";

/** The effect of closing each attention head of one point, and the fewest heads that do what its mask does; leaves `where.json`. */
export async function runWhere(subject: Subject, context: Context): Promise<void> {
  const { config, out } = subject;
  const jit = await openJit(config, context);
  const measured = { name: subject.untouched ? "baseline" : out, ...(await loadRun(subject, context)) };
  const where = await loadSeatTests(config, context);
  const options = { protocol: "cls", seed: config.seed, jit } as const;
  const result = await measureBias(measured, { associations: [], where }, options, context);
  await writeJson(join(out, "where.json"), result.where);
  await writeSums(join(out, "where.sha256"), ["where.json"]);
}
