import { expectInRange, type NumberRange } from "@pruning-bias/training";
import type { FinetuneOptions } from "./options.ts";

/** What fine-tuning and fine-pruning a classifier have in common. */
export type CommonNumbers = Pick<
  FinetuneOptions,
  "epochs" | "batchSize" | "learningRate" | "warmupSteps" | "weightDecay" | "maxGradientNorm" | "tokenBudget" | "seed"
>;

const ranges: Record<keyof CommonNumbers, NumberRange> = {
  epochs: { least: 1, whole: true, finite: true },
  batchSize: { least: 1, whole: true },
  learningRate: { least: 0 },
  warmupSteps: { least: 0 },
  weightDecay: { least: 0 },
  maxGradientNorm: { least: 0 },
  tokenBudget: { least: 1, whole: true },
  seed: { least: -Infinity, whole: true, finite: true },
};

/**
 * Steps of a training on so many examples.
 *
 * @throws RangeError `WHERE: NAME: expected …, got …` for a number that no training can be made of, or for no examples
 */
export function stepsOf(
  where: string,
  numbers: CommonNumbers & Required<Pick<CommonNumbers, "epochs" | "batchSize">>,
  examples: number,
): number {
  expectInRange(where, numbers, ranges);
  if (examples === 0) throw new RangeError(`${where}: train: expected an example or more, got none`);
  return numbers.epochs * Math.ceil(examples / Math.min(numbers.batchSize, examples));
}
