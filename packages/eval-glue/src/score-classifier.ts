import { type GlueTokens, glueTasks } from "@pruning-bias/data";
import { type Checkpoint, labelCount } from "@pruning-bias/model";
import type { Pruned } from "@pruning-bias/pruning";
import { type Jit, jit as compiled, type NDArray } from "@pruning-bias/runtime";
import { allShared } from "@pruning-bias/training";
import { classifier } from "./classifier.ts";
import { tokenExamples } from "./examples.ts";
import { logits } from "./predict.ts";

/** A classifier and what it is asked. */
export interface ScoreOptions {
  /** With a classifier of the task. */
  readonly checkpoint: Checkpoint;
  /** Asked one after the other. */
  readonly splits: readonly GlueTokens[];
  /** Masks the encoder with these scores; none by default. */
  readonly pruned?: Pruned | undefined;
  /** What compiles programs; ONNX graphs on the processor by default. */
  readonly jit?: Jit;
  /** Most tokens that go through the encoder at once, padding counted; 2048 by default. */
  readonly tokenBudget?: number;
  /** Computes two pieces at once: for a `jit` with two lanes. `false` by default. */
  readonly sideBySide?: boolean;
}

/**
 * Logits by split, [N, classes], of a classifier as it is, without any training: such as one whose encoder was debiased
 * after it was fine-tuned.
 *
 * @throws Error for a checkpoint without a classifier, or one of another number of classes
 */
export async function scoreClassifier({
  checkpoint: { config, weights },
  splits,
  pruned,
  jit = compiled,
  tokenBudget = 2048,
  sideBySide = false,
}: ScoreOptions): Promise<Record<string, NDArray>> {
  for (const { task } of splits) {
    const [classes, own] = [glueTasks[task].labels, labelCount(config)];
    if (!Object.keys(weights).some((name) => name.startsWith("classifier."))) {
      throw new Error(`scoreClassifier: ${task}: expected a checkpoint with a classifier, got none`);
    }
    if (own !== classes) throw new Error(`scoreClassifier: ${task}: expected ${classes} outputs, got ${own}`);
  }
  const model = classifier(jit, { config, layout: pruned?.layout });
  const { scores, threshold } = pruned ?? { scores: {}, threshold: 0 };
  const subject = { trained: {}, fixed: sideBySide ? allShared(weights) : weights, scores, threshold };
  const cut = { tokenBudget, sideBySide };
  try {
    const found: Record<string, NDArray> = {};
    for (const split of splits) {
      found[split.split] = await logits(model, subject, tokenExamples(split, config.pad_token_id ?? 0), cut);
    }
    return found;
  } finally {
    await model.dispose();
  }
}
