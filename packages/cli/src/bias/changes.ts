import { type Change, choosesStereotype, effectChange, mcNemarTest, prefersStereotype } from "@pruning-bias/eval-bias";
import type { ModelBias } from "./measure.ts";
import type { BiasTests } from "./tests.ts";

/** How a model differs from the first one, and whether that may be chance. */
export interface BiasChange {
  readonly model: string;
  readonly measure: string;
  readonly change: number;
  /** Two-sided. */
  readonly p: number;
  readonly test: "paired permutation" | "McNemar";
  readonly interval?: Change["interval"];
}

/** A model beside the first, measure by measure. */
export function biasChanges(first: ModelBias, other: ModelBias, tests: BiasTests, seed: number): BiasChange[] {
  const effects = other.tests.flatMap((after, n) => {
    const before = first.tests[n]!;
    const { change, p, interval } = effectChange(before.associations, after.associations, after.sizes.X, { seed });
    return [{ measure: after.test, change, p, test: "paired permutation" as const, interval }];
  });
  const shares: Omit<BiasChange, "model">[] = [];
  const answers = (measure: string, change: number, before: readonly boolean[], after: readonly boolean[]) =>
    shares.push({ measure, change, p: mcNemarTest(before, after).p, test: "McNemar" });
  if (first.crows && other.crows) {
    const change = other.crows.metric - first.crows.metric;
    answers("crows", change, prefersStereotype(first.crows), prefersStereotype(other.crows));
  }
  if (first.winobias && other.winobias) {
    const change = other.winobias.prefersStereotype - first.winobias.prefersStereotype;
    const prefers = ({ preferences }: { preferences: readonly number[] }) => preferences.map((value) => value > 0);
    answers("winobias", change, prefers(first.winobias), prefers(other.winobias));
  }
  const [before, after] = [first.stereoset, other.stereoset];
  if (tests.stereoset && before && after) {
    const left = new Set([...before.unscored, ...after.unscored]);
    for (const type of Object.keys(after.rates)) {
      const examples = tests.stereoset.filter(
        ({ id, biasType }) => !left.has(id) && (type === "overall" || biasType === type),
      );
      const change = after.rates[type]!.ss - (before.rates[type]?.ss ?? NaN);
      const chooses = (scores: Readonly<Record<string, number>>) => choosesStereotype(examples, scores);
      answers(`stereoset.${type}`, change, chooses(before.scores), chooses(after.scores));
    }
  }
  return [...effects, ...shares].map((change) => ({ model: other.model, ...change }));
}
