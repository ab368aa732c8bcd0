import type { CrowsResult } from "@pruning-bias/eval-bias";
import { fixed, probability, signed } from "../report/format.ts";
import type { BiasChange } from "./changes.ts";
import type { ModelBias } from "./measure.ts";

/** One line of the table: what is measured, and what it says of a model. */
interface Line {
  readonly measure: string;
  /** What its change goes by. */
  readonly compared?: string;
  readonly value: string;
  /** What is known of its certainty. */
  readonly certainty: string;
}

/** The results for a terminal: a row for each measure, a column for each model, and each change against the first. */
export function biasTable(models: readonly ModelBias[], changes: readonly (readonly BiasChange[])[]): string {
  const lines = models.map(linesOf);
  const head = ["", ...models.map(({ model, scores }) => (scores === undefined ? model : `${model} + ${scores}`))];
  const rows = lines[0]!.map(({ measure, compared }, row) => [
    measure,
    ...lines.map((own, n) => {
      const { value, certainty } = own[row]!;
      const change = n === 0 ? undefined : changes[n - 1]!.find((other) => other.measure === compared);
      const moved = change && `${signed(change.change, Math.abs(change.change) < 5 ? 3 : 1)}, ${probability(change.p)}`;
      return [value, certainty, moved && `change ${moved}`].filter(Boolean).join("  ");
    }),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const text = [head, ...rows].map((row) =>
    row
      .map((cell, n) => cell.padEnd(widths[n]!))
      .join("   ")
      .trimEnd(),
  );
  return [...text, ...models.flatMap(whereText)].join("\n");
}

function linesOf({ embedding, layer, tests, layers, probing, stereoset, crows, winobias }: ModelBias): Line[] {
  const at = `${embedding}, ${layer === "last" ? "last layer" : `layer ${layer}`}`;
  return [
    ...tests.map(({ test, effectSize, interval, p, pKind, pHolm }) => ({
      ...{ measure: `${test} (${at})`, compared: test },
      value: fixed(effectSize, 3),
      certainty: `${range(interval, 2)} ${probability(p)}${p === null ? "" : ` ${pKind}, Holm ${probability(pHolm).replace(/^p /, "")}`}`,
    })),
    ...(layers ?? []).flatMap((results, number) =>
      results.map(({ test, effectSize, interval }) => ({
        measure: `${test} (${embedding}, layer ${number})`,
        value: fixed(effectSize, 3),
        certainty: range(interval, 2),
      })),
    ),
    ...Object.entries(stereoset?.rates ?? {}).map(([type, { lm, ss, ssInterval, icat }]) => ({
      ...{ measure: `stereoset.${type} (${stereoset!.protocol})`, compared: `stereoset.${type}` },
      value: `SS ${fixed(ss, 1)}`,
      certainty: `${range(ssInterval, 1)} LM ${fixed(lm, 1)} ICAT ${fixed(icat, 1)}`,
    })),
    ...(crows === undefined
      ? []
      : [
          crowsLine("crows", Object.keys(crows.types).join(", "), crows),
          ...Object.entries(Object.keys(crows.types).length === 1 ? {} : crows.types).map(([type, rates]) =>
            crowsLine(`crows.${type}`, type, { ...rates, protocol: crows.protocol }),
          ),
        ]),
    ...(winobias === undefined
      ? []
      : [
          {
            ...{ measure: `winobias (${winobias.protocol})`, compared: "winobias" },
            value: fixed(winobias.prefersStereotype, 1),
            certainty: `${range(winobias.interval, 1)} ${probability(winobias.p)}, gap ${fixed(winobias.gap, 3)}`,
          },
        ]),
    ...(probing === undefined
      ? []
      : [
          {
            measure: `probing (${at})`,
            value: fixed(probing.accuracy, 3),
            certainty: `control ${fixed(probing.control, 3)}, unseen words ${fixed(probing.unseen, 3)}`,
          },
        ]),
  ];
}

const crowsLine = (
  compared: string,
  types: string,
  { protocol, metric, interval, p }: Pick<CrowsResult, "protocol" | "metric" | "interval" | "p">,
): Line => ({
  ...{ measure: `crows (${types}, ${protocol})`, compared },
  value: fixed(metric, 1),
  certainty: `${range(interval, 1)} ${probability(p)}`,
});

const range = (interval: { low: number; high: number } | null, digits: number): string =>
  interval === null ? "" : `[${fixed(interval.low, digits)}, ${fixed(interval.high, digits)}]`;

/** The heads that matter most, and the sets that were found. */
function whereText({ model, where }: ModelBias): string[] {
  if (where === undefined) return [];
  const effects = (all: Readonly<Record<string, number>>) =>
    Object.entries(all)
      .map(([test, effect]) => `${test} ${fixed(effect)}`)
      .join(", ");
  const moved = (own: Readonly<Record<string, number>>) =>
    Object.keys(own).reduce((sum, test) => sum + Math.abs(own[test]! - where.open[test]!), 0);
  const strongest = where.heads.toSorted((a, b) => moved(b.effects) - moved(a.effects)).slice(0, 5);
  const { closed } = where.goal;
  const goal = closed === undefined ? "no effect" : `what the mask does with ${closed.length} heads closed`;
  return [
    `${model}: all heads open: ${effects(where.open)}`,
    ...strongest.map(({ layer, head, effects: own }) => `  layer ${layer} head ${head} closed: ${effects(own)}`),
    `  towards ${goal}: ${effects(where.goal.effects)}`,
    ...where.sets.map(
      ({ heads, effects: own, distance }) =>
        `  ${heads.map(({ layer, head }) => `${layer}.${head}`).join(" + ")}: ${effects(own)}; ${fixed(distance)} away`,
    ),
  ];
}
