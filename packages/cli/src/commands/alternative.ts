import { join } from "node:path";
import { makeFolder } from "@pruning-bias/files";
import { type AlternativeConfig, isProjection } from "../config/alternative.ts";
import type { Context } from "./context.ts";
import { writeJson } from "./files.ts";
import { seal } from "./forget.ts";
import { findProjection } from "./find-projection.ts";
import type { TrainSummary } from "./train.ts";
import { trainAlternative } from "./train-alternative.ts";

/** What a method has done, and what it tells of it. */
export type Found = Omit<TrainSummary, "tokensPerSecond"> & Readonly<Record<string, unknown>>;

/**
 * Runs one point by another method of debiasing: leaves `projection.safetensors` or a model, and settings, metrics and summary as
 * fine-pruning does.
 */
export async function alternative(
  config: AlternativeConfig,
  out: string,
  context: Context,
  { resume }: { resume: boolean },
): Promise<TrainSummary> {
  await makeFolder(out);
  const found = isProjection(config)
    ? await findProjection(config, out, context)
    : await trainAlternative(config, out, context, { resume });
  const summary = { ...found, tokensPerSecond: found.tokens / found.seconds };
  await writeJson(join(out, "config.json"), config);
  await writeJson(join(out, "summary.json"), summary);
  await seal(out);
  return summary;
}
