import type { CrowsPair } from "@pruning-bias/data";
import {
  type Change,
  choosesStereotype,
  type CrowsResult,
  effectChange,
  mcNemarTest,
  prefersStereotype,
} from "@pruning-bias/eval-bias";
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
  if (first.crows && other.crows) shares.push(...crowsChanges(first.crows, other.crows, tests.crows ?? []));
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

/** Over all pairs and, where there are several, by bias type; pairs that only one of the models could be asked are left out. */
function crowsChanges(
  first: CrowsResult,
  other: CrowsResult,
  pairs: readonly CrowsPair[],
): Omit<BiasChange, "model">[] {
  const typeOf = new Map(pairs.map(({ row, biasType }) => [row, biasType]));
  const prefers = (result: CrowsResult) =>
    new Map(prefersStereotype(result).map((answer, n) => [result.scores[n]!.row, answer]));
  const [before, after] = [prefers(first), prefers(other)];
  const change = (measure: string, change: number, type?: string) => {
    const rows = [...before.keys()].filter((row) => after.has(row) && (type === undefined || typeOf.get(row) === type));
    const answers = (of: ReadonlyMap<number, boolean>) => rows.map((row) => of.get(row)!);
    return { measure, change, p: mcNemarTest(answers(before), answers(after)).p, test: "McNemar" as const };
  };
  const types = Object.keys(other.types);
  return [
    change("crows", other.metric - first.metric),
    ...(types.length === 1 ? [] : types).map((type) =>
      change(`crows.${type}`, other.types[type]!.metric - (first.types[type]?.metric ?? NaN), type),
    ),
  ];
}
