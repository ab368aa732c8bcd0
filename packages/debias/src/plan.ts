import { epochBatches } from "@pruning-bias/data";
import { schedule } from "@pruning-bias/pruning";
import { linearSchedule } from "@pruning-bias/training";
import type { DebiasBatch } from "./losses.ts";
import type { FinepruneOptions } from "./options.ts";

/** Which batches a run goes through, and what changes from step to step. */
export type Plan = ReturnType<typeof plan>;

export function plan(options: FinepruneOptions) {
  const { train, pruning, batchSize = 128, epochs = 5, seed = 42, warmupSteps = 0, validationsPerEpoch = 2 } = options;
  const reference = options.compat === "reference";
  const sizes = { targets: train.targets.length, male: train.male.length, female: train.female.length };
  const batchesOf =
    options.batches ??
    ((epoch: number): DebiasBatch[] => {
      const drawn = epochBatches(sizes, { batchSize, seed, epoch });
      return drawn.targets.map((targets, index) => ({ targets, attributes: drawn.attributes[index]! }));
    });
  const stepsPerEpoch = Math.min(batchesOf(0).length, options.limitBatches ?? Infinity);
  const totalSteps = Math.min(epochs * stepsPerEpoch, options.maxSteps ?? Infinity);
  // Of an epoch: evenly spread, the last at its end.
  const validations = new Set(
    Array.from({ length: validationsPerEpoch }, (_, i) => Math.ceil((stepsPerEpoch * (i + 1)) / validationsPerEpoch)),
  );
  const pressureAt = (step: number, training: boolean): { threshold: number; lambda: number } =>
    pruning === undefined
      ? { threshold: 0, lambda: 0 }
      : schedule(pruning, { step, totalSteps, warmupSteps: reference ? -1 : warmupSteps, training });
  const batches = (epoch: number) =>
    batchesOf(epoch).slice(0, Math.min(stepsPerEpoch, totalSteps - epoch * stepsPerEpoch));
  return {
    stepsPerEpoch,
    totalSteps,
    /** The batches of an epoch, from 0. */
    batches,
    /** Attribute sentences of all batches. */
    attributeRows(): Set<number> {
      const rows = new Set<number>();
      for (let epoch = 0; epoch * stepsPerEpoch < totalSteps && rows.size < sizes.male + sizes.female; epoch++) {
        for (const { attributes } of batches(epoch))
          for (let i = 0; i < attributes.length; i++) rows.add(attributes[i]!);
      }
      return rows;
    },
    /** Threshold and λ of the step that follows `step` others. */
    pressure: (step: number) => pressureAt(step, true),
    finalThreshold: pressureAt(totalSteps, false).threshold,
    /** Factor of all learning rates, of the step that follows `step` others. */
    rate: (step: number) =>
      linearSchedule(reference ? Math.floor(step / stepsPerEpoch) : step, totalSteps, warmupSteps),
    /** Whether there is a validation after `step` steps. */
    validates: (step: number) => step === 0 || step === totalSteps || validations.has(((step - 1) % stepsPerEpoch) + 1),
  };
}
