import { type Arrays, copies, type TrainingState } from "@pruning-bias/training";
import { store, stored } from "./stored.ts";

/** The validation with the lowest loss so far. */
export interface Best {
  readonly loss: number;
  readonly step: number;
  /** Validations since. */
  readonly waited: number;
  /** What trains, as it was then. */
  readonly parameters: Arrays | undefined;
}

/** Judges one more validation; its parameters are copied when it is the best and they are given. */
export function judge(best: Best | undefined, loss: number, step: number, parameters: Arrays | undefined): Best {
  if (best !== undefined && !Number.isNaN(best.loss) && !(loss < best.loss))
    return { ...best, waited: best.waited + 1 };
  return { loss, step, waited: 0, parameters: parameters && copies(parameters) };
}

/** The part of a training state that holds it. */
export const storeBest = (best: Best | undefined): Pick<TrainingState, "arrays" | "values"> => ({
  arrays: store("best", best?.parameters ?? {}),
  values: { best: best === undefined ? null : { loss: best.loss, step: best.step, waited: best.waited } },
});

export function storedBest({ arrays, values }: TrainingState): Best | undefined {
  const best = values["best"] as Omit<Best, "parameters"> | null;
  if (best === null) return undefined;
  const parameters = stored("best", arrays);
  return { ...best, parameters: Object.keys(parameters).length === 0 ? undefined : parameters };
}
