import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { glueTask } from "./glue-data.ts";
import { glueRun } from "./glue-run.ts";
import { loadModel, openHalves } from "./inputs.ts";

/** Fine-tunes the classifier whose encoder is to be debiased: a model folder, with its score in `glue.json`. */
export async function runClassifier(
  config: Config,
  out: string,
  context: Context,
  { resume = false }: { resume?: boolean } = {},
): Promise<unknown> {
  const [task, model] = [glueTask(config.glue), await loadModel(config.model.model_name, context)];
  const halves = await openHalves(config, context);
  const run = { config, model, pruned: undefined, task, ...halves, out: join(out, "glue"), save: out };
  return glueRun({ ...run, ...(resume && { resume: "if possible" }) }, context);
}
