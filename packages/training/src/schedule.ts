/**
 * Factor of the learning rate at `step`, from 0: rises from 0 over the warm-up, then falls to 0 at `totalSteps`, and stays
 * there (`get_linear_schedule_with_warmup` of transformers).
 *
 * @param warmupSteps 0 by default
 * @throws RangeError for a negative number of steps or NaN
 */
export function linearSchedule(step: number, totalSteps: number, warmupSteps = 0): number {
  checkSteps("linearSchedule", { step, totalSteps, warmupSteps });
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  return Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps));
}

/**
 * Factor of the learning rate at `step`, from 0: 1 for a share `flat` of the steps, then linearly to 0, where it stays.
 *
 * @param flat 0 … 1; .5 by default
 * @throws RangeError for a negative number of steps or NaN
 */
export function flatThenLinear(step: number, totalSteps: number, flat = 0.5): number {
  checkSteps("flatThenLinear", { step, totalSteps, flat });
  const start = Math.floor(totalSteps * flat);
  return step < start ? 1 : Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - start));
}

function checkSteps(place: string, counts: Readonly<Record<string, number>>): void {
  const wrong = Object.entries(counts).find(([, count]) => !(count >= 0));
  if (wrong !== undefined) throw new RangeError(`${place}: ${wrong[0]}: expected at least 0, got ${wrong[1]}`);
}
