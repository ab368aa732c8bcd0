/**
 * Factor of the learning rate at `step`, from 0: rises from 0 over the warm-up, then falls to 0 at `totalSteps`
 * (`get_linear_schedule_with_warmup` of transformers).
 */
export function linearSchedule(step: number, totalSteps: number, warmupSteps = 0): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  return Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps));
}

/** Factor of the learning rate at `step`, from 0: 1 for a share `flat` of the steps, then linearly to 0. */
export function flatThenLinear(step: number, totalSteps: number, flat = 0.5): number {
  const start = Math.floor(totalSteps * flat);
  return step < start ? 1 : (totalSteps - step) / Math.max(1, totalSteps - start);
}
