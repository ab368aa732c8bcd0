import type { GlueTask } from "@pruning-bias/data";
import { type BertConfig, labelCount } from "@pruning-bias/model";
import type { NDArray } from "@pruning-bias/runtime";
import { evaluationBatches } from "./batches.ts";
import type { Pruned } from "@pruning-bias/pruning";
import type { Classifier } from "./classifier.ts";
import { type BatchOptions, type Encoded, glueBatch } from "./examples.ts";
import { argmax, type Metrics, metrics } from "./metrics.ts";

/** How a classifier does on a split. */
export interface Evaluation {
  readonly metrics: Metrics;
  /** Mean over the examples: cross entropy in nats, or squared error. */
  readonly loss: number;
  readonly examples: number;
}

export interface EvaluateOptions extends BatchOptions {
  readonly task: GlueTask;
  readonly config: BertConfig;
  readonly model: Classifier;
  readonly weights: Readonly<Record<string, NDArray>>;
  readonly pruned?: Pruned | undefined;
}

/** Predicts a split in eval mode and scores it. */
export async function evaluate(
  examples: Encoded,
  { task, config, model, weights, pruned, ...options }: EvaluateOptions,
): Promise<Evaluation> {
  const size = examples.inputIds.length;
  const classes = labelCount(config);
  const predictions = new Float64Array(size);
  let sum = 0;
  const lengths = examples.inputIds.map((ids) => ids.length);
  for (const rows of evaluationBatches(lengths, options.batchSize)) {
    const { logits, losses } = await model.predict({
      weights,
      scores: pruned?.scores ?? {},
      threshold: pruned?.threshold ?? 0,
      batch: glueBatch(examples, rows, options),
    });
    rows.forEach((row, n) => {
      const own = logits.data.subarray(n * classes, (n + 1) * classes);
      predictions[row] = classes === 1 ? own[0]! : argmax(own);
    });
    for (const loss of losses.data) sum += loss;
  }
  return { metrics: metrics(task, predictions, examples.labels), loss: sum / size, examples: size };
}
