import { join } from "node:path";
import { memoryOf } from "../sweep/memory.ts";
import type { ModelShape } from "../sweep/model-shape.ts";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { glueTask } from "./glue-data.ts";
import { glueRun } from "./glue-run.ts";
import { openHalves } from "./inputs.ts";
import { loadRun, type Subject } from "./load-run.ts";
import { sayMemory } from "./say-memory.ts";

export interface GlueTarget {
  readonly task: string;
  /** Of its files, `glue/NAME.json`: the task and the seed. */
  readonly name: string;
  /** Scores the point's classifier as it is. */
  readonly scoreOnly?: boolean;
  /** Goes on from the checkpoints of a run that was stopped. */
  readonly resume?: boolean;
}

/** Fine-tunes one point on a GLUE task, its masks fixed; leaves `glue/NAME.json` and predictions in `glue/NAME/`. */
export async function runGlue(subject: Subject, target: GlueTarget, context: Context): Promise<unknown> {
  const { config, out } = subject;
  const task = glueTask(target.task);
  const { name, scoreOnly = false, resume = false } = target;
  const { model, pruned, projection } = await loadRun(subject, context);
  if (projection !== undefined) {
    throw new UsageError(
      `glue: expected a run that leaves a model, got ${config.alternative!.method}, whose projection of the output fine-tuning would not keep`,
    );
  }
  const need = (shape: ModelShape) => memoryOf(config, shape, { train: false, glue: !scoreOnly });
  sayMemory(model.checkpoint.config, need, context, { smaller: "finetune.token_budget" });
  const halves = await openHalves(config, context);
  const run = { config, model, pruned, task, ...halves, scoreOnly, out: join(out, "glue", name) };
  const result = await glueRun({ ...run, ...(resume && { resume: "if possible" }) }, context);
  const shown = Object.entries(result.metrics).map(([metric, value]) => `${metric} ${value.toFixed(4)}`);
  context.log(`${name}: ${shown.join(", ")}`);
  return result;
}
