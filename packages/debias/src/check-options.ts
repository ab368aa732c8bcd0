import { expectInRange, type NumberRange } from "@pruning-bias/training";
import type { FinepruneOptions } from "./options.ts";

type NumberKeys = { [K in keyof FinepruneOptions]-?: Required<FinepruneOptions>[K] extends number ? K : never };
type NumberKey = NumberKeys[keyof FinepruneOptions];

const ranges: Record<NumberKey, NumberRange> = {
  alpha: { least: 0 },
  beta: { least: 0 },
  learningRate: { least: 0 },
  weightDecay: { least: 0 },
  warmupSteps: { least: 0 },
  eps: { least: 0 },
  batchSize: { least: 1, whole: true },
  epochs: { least: 0, whole: true, finite: true },
  limitBatches: { least: 1, whole: true },
  maxSteps: { least: 0, whole: true },
  validationsPerEpoch: { least: 0, whole: true },
  clipNorm: { least: 0 },
  patience: { least: 1, whole: true },
  staticSentences: { least: 1, whole: true },
  referenceWidth: { least: 1, whole: true },
  tokenBudget: { least: 1, whole: true },
  microbatch: { least: 1, whole: true },
  originalCache: { least: 0 },
  settleSentences: { least: 1, whole: true },
  seed: { least: -Infinity, whole: true, finite: true },
  devices: { least: 1, whole: true },
};
const classes = ["targets", "male", "female"] as const;

/**
 * Refuses options that no run can be made of.
 *
 * @throws RangeError `fineprune: KEY: expected …, got …`
 */
export function checkOptions(options: FinepruneOptions): void {
  expectInRange("fineprune", options, ranges);
  const { train, validation } = options;
  const empty = classes.find((one) => train[one].length === 0);
  if (empty) throw new RangeError(`fineprune: train: expected sentences of each class, got no ${empty}`);
  // Its attributes are not told apart.
  const [targets, attributes] = validation
    ? [validation.targets.length, validation.male.length + validation.female.length]
    : [1, 1];
  if (targets === 0 || attributes === 0) {
    const got = `${targets} and ${attributes}`;
    throw new RangeError(`fineprune: validation: expected target and attribute sentences, got ${got}`);
  }
}
