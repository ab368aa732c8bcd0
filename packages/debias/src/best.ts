import { type Arrays, copies, type TrainingState } from "@pruning-bias/training";

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
  if (best !== undefined && !(loss < best.loss)) return { ...best, waited: best.waited + 1 };
  return { loss, step, waited: 0, parameters: parameters && copies(parameters) };
}

/** The part of a training state that holds it. */
export const storeBest = (best: Best | undefined): Pick<TrainingState, "arrays" | "values"> => ({
  arrays: Object.fromEntries(
    Object.entries(best?.parameters ?? {}).map(([name, array]) => [`${PREFIX}${name}`, array]),
  ),
  values: { best: best === undefined ? null : { loss: best.loss, step: best.step, waited: best.waited } },
});

export function storedBest({ arrays, values }: TrainingState): Best | undefined {
  const best = values["best"] as Omit<Best, "parameters"> | null;
  if (best === null) return undefined;
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(PREFIX));
  const parameters = own.length === 0 ? undefined : own.map(([name, array]) => [name.slice(PREFIX.length), array]);
  return { ...best, parameters: parameters && Object.fromEntries(parameters) };
}

const PREFIX = "best.";
