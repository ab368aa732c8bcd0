import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Projection } from "@pruning-bias/debias/projections";
import { fromNnPruning, type Pruned, readScores, readScoreSettings, scoreLayout } from "@pruning-bias/pruning";
import type { Context } from "../commands/context.ts";
import { loadModel, type Model, within } from "../commands/inputs.ts";
import { loadRun } from "../commands/load-run.ts";
import { Config } from "../config/schema.ts";

/** A model whose bias is measured, and what masks it. */
export interface BiasSubject {
  /** As it was typed. */
  readonly name: string;
  readonly scores?: string;
  readonly model: Model;
  readonly pruned: Pruned | undefined;
  /** Of its last hidden state, as INLP and SentenceDebias leave it. */
  readonly projection?: Projection;
}

/** Loads a model of the hub, a folder with one, or what a run has left in its folder. */
export async function loadSubject(name: string, scores: string | undefined, context: Context): Promise<BiasSubject> {
  const run = await configOfRun(within(context.root, name));
  if (run !== undefined && scores === undefined) {
    const subject = { config: run, out: within(context.root, name), untouched: false };
    return { name, ...(await loadRun(subject, context)) };
  }
  const model = await loadModel(name, context);
  if (scores === undefined) return { name, model, pruned: undefined };
  return { name, scores, model, pruned: await loadPruned(scores, model.checkpoint.config) };
}

/** The settings of a run, where this is a run's folder: a model's `config.json` has a `model_type`. */
async function configOfRun(folder: string): Promise<Config | undefined> {
  const path = join(folder, "config.json");
  if (!existsSync(path)) return undefined;
  let stored: unknown;
  try {
    stored = JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined; // a model's, which is refused as one
  }
  if (typeof stored !== "object" || stored === null || !("datamodule" in stored)) return undefined;
  const { data, error } = Config.safeParse(stored);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw new Error(`${path}: expected the settings of a run, at ${issue!.path.join(".")}: ${issue!.message}`);
}

async function loadPruned(path: string, sizes: Parameters<typeof scoreLayout>[0]): Promise<Pruned> {
  const settings = (await readScoreSettings(path)) ?? fromNnPruning({});
  const layout = scoreLayout(sizes, settings);
  return { layout, scores: await readScores(path, layout), threshold: settings.finalThreshold };
}
