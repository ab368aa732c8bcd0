import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Projection, readProjection, withProjectedHead } from "@pruning-bias/debias/projections";
import { type Pruned, readScores, scoreLayout } from "@pruning-bias/pruning";
import { isProjection, PROJECTION } from "../config/alternative.ts";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { loadModel, type Model, modelName, pruningSettings } from "./inputs.ts";
import { checkThere, readSums } from "./sums.ts";

/** What is measured: the model that a run in `out` left, or the one it started from. */
export interface Subject {
  readonly config: Config;
  readonly out: string;
  readonly untouched: boolean;
}

/**
 * The model of a run, or the one it started from, and the scores that mask it, or the projection of its last hidden state:
 * that one stands in its masked-language-model head already.
 */
export async function loadRun(
  { config, out, untouched }: Subject,
  context: Context,
): Promise<{ model: Model; pruned: Pruned | undefined; projection?: Projection }> {
  const own = join(out, "model");
  if (!untouched) checkThere(own, await readSums(out));
  const model = await loadModel(untouched || !existsSync(own) ? modelName(config) : own, context);
  if (!untouched && isProjection(config)) {
    const { checkpoint } = model;
    const projection = await readProjection(join(out, PROJECTION), checkpoint.config.hidden_size);
    const hasHead = checkpoint.weights["cls.predictions.bias"] !== undefined;
    const own = hasHead ? { ...model, checkpoint: withProjectedHead(checkpoint, projection) } : model;
    return { model: own, pruned: undefined, projection };
  }
  const pruning = untouched ? undefined : pruningSettings(config, model.checkpoint.config);
  if (pruning === undefined) return { model, pruned: undefined };
  const layout = scoreLayout(model.checkpoint.config, pruning);
  const scores = await readScores(join(out, "scores.safetensors"), layout);
  return { model, pruned: { layout, scores, threshold: pruning.finalThreshold } };
}
