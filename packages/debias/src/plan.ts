import { epochBatches } from "@pruning-bias/data";
import { schedule, type Scheduled } from "@pruning-bias/pruning";
import { linearSchedule } from "@pruning-bias/training";
import type { DebiasBatch } from "./losses.ts";
import type { FinepruneOptions } from "./options.ts";

/** What masks and regulariser are computed with. */
export type Pressure = Pick<Scheduled, "threshold" | "lambda" | "temperature">;

/** Which batches a run goes through, and what changes from step to step. */
export type Plan = ReturnType<typeof plan>;

/**
 * Batches, thresholds and learning rates of a run with these options, made before anything is computed; steps and epochs count
 * from 0 (schedules of Lagunas et al. 2021; batches as Joniak and Aizawa 2022 draw them).
 *
 * @throws RangeError for a class without sentences or a batch size below 1; from `batches`, for epochs of fewer batches than
 *   the first, and batches without targets or attributes
 */
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
  // The original counts batches of targets, and leaves schedules at their end where attributes last longer.
  const ofTargets =
    reference && options.batches === undefined ? epochs * Math.ceil(sizes.targets / batchSize) : Infinity;
  const scheduled = Math.min(totalSteps, ofTargets);
  // Of an epoch: evenly spread, the last at its end.
  const validations = new Set(
    Array.from({ length: validationsPerEpoch }, (_, i) => Math.ceil((stepsPerEpoch * (i + 1)) / validationsPerEpoch)),
  );
  const { trainMode = true } = options;
  const pressureAt = (step: number, training: boolean): Pressure =>
    pruning === undefined
      ? { threshold: 0, lambda: 0, temperature: 0 }
      : schedule(pruning, { step, totalSteps: scheduled, warmupSteps: reference ? -1 : warmupSteps, training });
  const batches = (epoch: number): DebiasBatch[] => {
    const own = batchesOf(epoch).slice(0, stepsPerEpoch);
    if (own.length < stepsPerEpoch) {
      throw new RangeError(
        `fineprune: batches: expected ${stepsPerEpoch} in epoch ${epoch}, as in the first, got ${own.length}`,
      );
    }
    const empty = own.findIndex(({ targets, attributes }) => targets.length === 0 || attributes.length === 0);
    if (empty >= 0)
      throw new RangeError(
        `fineprune: batches: expected targets and attributes, got none in batch ${empty} of epoch ${epoch}`,
      );
    return own.slice(0, totalSteps - epoch * stepsPerEpoch);
  };
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
    /** Threshold, λ and 2:4 temperature of the step that follows `step` others. */
    pressure: (step: number) => pressureAt(step, trainMode),
    final: pressureAt(totalSteps, false),
    /** Factor of all learning rates, of the step that follows `step` others. */
    rate: (step: number) => linearSchedule(reference ? Math.floor(step / stepsPerEpoch) : step, scheduled, warmupSteps),
    /** Whether there is a validation after `step` steps. */
    validates: (step: number) => step === 0 || step === totalSteps || validations.has(((step - 1) % stepsPerEpoch) + 1),
  };
}
