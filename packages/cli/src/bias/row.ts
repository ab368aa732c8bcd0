import { type Cell, csv } from "../report/csv.ts";
import type { ModelBias } from "./measure.ts";

const reference = ["SEAT6", "SEAT7", "SEAT8"];
const tests = [...reference, "SEAT6b", "SEAT7b", "SEAT8b", "WEAT6", "WEAT7", "WEAT8", "WEAT6b", "WEAT7b", "WEAT8b"];

/** The header of `bias.csv`: the reference's columns first, then ours. */
export const biasHeader: string = csv([columns(undefined).map(([name]) => name)]);

/** A model's row. */
export const biasRow = (result: ModelBias): string => csv([columns(result).map(([, cell]) => cell)]);

function columns(result: ModelBias | undefined): [name: string, cell: Cell][] {
  const of = (name: string) => result?.tests.find(({ test }) => test === name);
  const others = result?.tests.filter(({ test }) => !tests.includes(test)) ?? [];
  const { stereoset, crows, winobias, probing } = result ?? {};
  return [
    ...reference.map((name): [string, Cell] => [name, of(name)?.effectSize]),
    ["model", result?.model],
    ["scores", result?.scores],
    ["embedding", result?.embedding],
    ["layer", result?.layer],
    ...tests.flatMap((name): [string, Cell][] => [
      ...(reference.includes(name) ? [] : [[name, of(name)?.effectSize] as [string, Cell]]),
      [`${name}.low`, of(name)?.interval?.low],
      [`${name}.high`, of(name)?.interval?.high],
      [`${name}.p`, of(name)?.p],
      [`${name}.p_holm`, of(name)?.pHolm],
    ]),
    // Tests of other names, as one JSON object: the header is the same for everybody who appends.
    [
      "other",
      others.length === 0
        ? undefined
        : JSON.stringify(Object.fromEntries(others.map(({ test, effectSize, p }) => [test, { effectSize, p }]))),
    ],
    ["stereoset.protocol", stereoset?.protocol],
    ...["gender", "overall"].flatMap((type) =>
      (["lm", "ss", "icat"] as const).map((key): [string, Cell] => [
        `stereoset.${type}.${key}`,
        stereoset?.rates[type]?.[key],
      ]),
    ),
    ["crows.protocol", crows?.protocol],
    ["crows.types", crows && Object.keys(crows.types).join(" ")],
    ["crows.metric", crows?.metric],
    ["crows.p", crows?.p],
    ["winobias.prefers_stereotype", winobias?.prefersStereotype],
    ["winobias.gap", winobias?.gap],
    ["winobias.p", winobias?.p],
    ["probing.accuracy", probing?.accuracy],
    ["probing.control", probing?.control],
    ["probing.unseen", probing?.unseen],
  ];
}
