import { join } from "node:path";
import { crowsProtocols, maskedLm, protocols, type SeatResult } from "@pruning-bias/eval-bias";
import { appendRows, checkHeader } from "../bias/append.ts";
import { type BiasChange, biasChanges } from "../bias/changes.ts";
import { measureBias, type ModelBias, reportedResult, type ReportedResult } from "../bias/measure.ts";
import { biasHeader, biasRow } from "../bias/row.ts";
import { type BiasSubject, loadSubject } from "../bias/subjects.ts";
import { biasTable } from "../bias/table.ts";
import { biasPlan, loadBiasTests, needsMaskedLm } from "../bias/tests.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { writeJson } from "./files.ts";
import { openJit } from "./inputs.ts";

export interface BiasOptions {
  readonly config: Config;
  /** Models of the hub, folders, or folders of runs; each is set beside the first. */
  readonly models: readonly string[];
  /** A score state dict that masks the last of them. */
  readonly scores?: string;
  readonly tests: readonly string[];
  readonly embedding: string;
  readonly layer?: number;
  /** How CrowS-Pairs and StereoSet are scored. */
  readonly protocol: string;
  /** Bias types of CrowS-Pairs; `all` for all. */
  readonly crowsTypes: readonly string[];
  /** Gets `bias.json` and a row for each model in `bias.csv`. */
  readonly out: string;
}

/** What `bias.json` holds. */
export interface BiasReport {
  readonly models: readonly ReportedBias[];
  /** Of each model but the first, against it. */
  readonly changes: readonly BiasChange[];
}

/** Measures the bias of encoders, pruned or not, side by side. */
export async function bias(options: BiasOptions, context: Context): Promise<BiasReport> {
  const { config, models: names, scores, layer, out } = options;
  const embedding = oneOf("--embedding", protocols, options.embedding);
  const protocol = oneOf("--protocol", crowsProtocols, options.protocol);
  const plan = biasPlan(options.tests, config, options.crowsTypes);
  const csv = join(out, "bias.csv");
  await checkHeader(csv, biasHeader);
  const tests = await loadBiasTests(plan, config, context);
  const subjects: BiasSubject[] = [];
  for (const [n, name] of names.entries()) {
    subjects.push(await loadSubject(name, n === names.length - 1 ? scores : undefined, context));
  }
  const projected = subjects.find(({ projection }) => projection !== undefined);
  if (projected !== undefined && plan.families.has("where")) {
    throw new UsageError(
      `--tests: expected models for where, got ${projected.name}, a projection of the output, which closing heads knows nothing of`,
    );
  }
  // What cannot be measured is said before an hour is spent on the rest.
  if (needsMaskedLm(plan)) for (const { model } of subjects) await maskedLm(model).dispose();
  const jit = await openJit(config, context);
  const measures = {
    ...{ protocol: embedding, crowsProtocol: protocol, stereoSetProtocol: protocol, seed: config.seed, jit },
    ...(layer !== undefined && { layer }),
  };
  const models: ModelBias[] = [];
  for (const subject of subjects) models.push(await measureBias(subject, tests, measures, context));
  const changes = models.slice(1).map((model) => biasChanges(models[0]!, model, tests, config.seed));
  context.log(biasTable(models, changes));
  const report = { models: models.map(reported), changes: changes.flat() };
  await writeJson(join(out, "bias.json"), report);
  await appendRows(csv, biasHeader, models.map(biasRow).join(""));
  return report;
}

/** All that was measured, without the associations of single targets. */
export interface ReportedBias extends Omit<ModelBias, "tests" | "layers"> {
  readonly tests: readonly ReportedResult[];
  readonly layers?: readonly (readonly ReportedResult[])[];
}

function reported({ tests, layers, ...rest }: ModelBias): ReportedBias {
  const plain = (results: readonly SeatResult[]) => results.map(reportedResult);
  return { ...rest, tests: plain(tests), ...(layers && { layers: layers.map(plain) }) };
}

function oneOf<T extends string>(option: string, known: readonly T[], given: string): T {
  const found = known.find((name) => name === given);
  if (found === undefined) throw new UsageError(`${option}: expected ${known.join(" | ")}, got ${given}`);
  return found;
}
