/**
 * Factor of the learning rate at `step`, from 0: rises from 0 over the warm-up, then falls to 0 at `totalSteps`
 * (`get_linear_schedule_with_warmup` of transformers).
 */
export function linearSchedule(step: number, totalSteps: number, warmupSteps = 0): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  return Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps));
}
