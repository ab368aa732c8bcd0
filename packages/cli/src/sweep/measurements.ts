import type { GlueTask } from "@pruning-bias/data";
import { isProjection } from "../config/alternative.ts";
import { classifierOf } from "../config/classifier.ts";
import type { Config } from "../config/schema.ts";
import { glueTask } from "./points.ts";

/** What is asked of every point of a sweep beside its training and its bias tests. */
export interface Asked {
  /** GLUE tasks of every point. */
  readonly glue: readonly GlueTask[];
  /** Each of them with each of these seeds; without, with `finetune.seed`. */
  readonly glueSeeds?: readonly number[];
  /** Where bias sits, head by head. */
  readonly where: boolean;
}

/** A GLUE task with a seed. */
export interface GlueRun {
  /** `TASK-SEED`: of its results, `glue/NAME.json`. */
  readonly name: string;
  /** Which of the nine. */
  readonly task: GlueTask;
  /** Of its fine-tuning. */
  readonly seed: number;
  /** Scored as debiasing left it: the task of the classifier that it started from. */
  readonly scoreOnly: boolean;
}

/** A task of a point behind its training, or of the untouched model. */
export interface Measurement {
  /** Of its project of Nx: `bias`, `where`, `glue-NAME`. */
  readonly target: string;
  /** What is fine-tuned and scored; none but for targets of GLUE. */
  readonly glue?: GlueRun;
}

/**
 * What is measured of a point, in the order in which Nx lists it. Of a projection of the output neither GLUE nor heads are: it is no
 * encoder, fine-tuning would not keep it, and closing heads knows nothing of it.
 */
export function measurements(config: Config, asked: Asked): Measurement[] {
  const { glue, glueSeeds, where } = isProjection(config) ? { ...asked, glue: [], where: false } : asked;
  const classifier = classifierOf(config);
  const kept = classifier && glueTask(classifier.task, "glue");
  const { seed } = config.finetune;
  // Named by task and seed, whatever else is asked: one more seed is one more run, and changes no other.
  const run = (task: GlueTask, seed: number, scoreOnly: boolean): GlueRun => ({
    ...{ name: `${task}-${seed}`, task, seed, scoreOnly },
  });
  const scored = kept === undefined ? [] : [run(kept, seed, true)];
  const tuned = glue
    .filter((task) => task !== kept)
    .flatMap((task) => (glueSeeds ?? [seed]).map((own) => run(task, own, false)));
  return [
    { target: "bias" },
    ...(where ? [{ target: "where" }] : []),
    ...[...scored, ...tuned].map((glue) => ({ target: `glue-${glue.name}`, glue })),
  ];
}
