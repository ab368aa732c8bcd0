import type { Trade } from "./charts.ts";
import {
  blocks,
  changes,
  density,
  ends,
  glueMetrics,
  glueOf,
  meanEffect,
  measuredOf,
  numberOf,
  testOf,
  testsOf,
  untouchedOf,
} from "./compare.ts";
import { type Cell, csv } from "./csv.ts";
import { againstGlue } from "./pareto.ts";
import type { PointResults, SweepResults } from "./results.ts";
import { differing, settingsOf } from "./settings.ts";

/** A row for each point, untouched models first; what was not run is empty. */
export function resultsCsv(sweep: SweepResults): string {
  const { values, front } = againstGlue(sweep);
  const rows = measuredOf(sweep).map((point) => {
    const number = numberOf(sweep, point);
    const place = values.find(({ label }) => label === number);
    return [...cells(sweep, point), ...tradeCells(sweep, point, place, front)];
  });
  return csv([rows[0]!.map(([name]) => name), ...rows.map((row) => row.map(([, value]) => value))]);
}

/** Mean |SEAT effect|, the mean of the GLUE tasks' scores, and whether no other point betters this one in both: 1 or 0. */
function tradeCells(
  sweep: SweepResults,
  point: PointResults,
  place: Trade | undefined,
  front: readonly Trade[],
): [name: string, value: Cell][] {
  return [
    ["trade_off.bias", meanEffect(changes(point, untouchedOf(sweep, point)))?.after],
    ["trade_off.glue", place?.x],
    ["trade_off.front", place && Number(front.includes(place))],
  ];
}

function cells(sweep: SweepResults, point: PointResults): [name: string, value: Cell][] {
  const { start, end } = ends(point);
  const { bias, masks, summary } = point;
  const where = measuredOf(sweep).some((other) => other.where !== undefined);
  const settings = settingsOf(point);
  const list = changes(point, untouchedOf(sweep, point));
  const open = blocks(point);
  return [
    ["sweep", sweep.sweep],
    ["point", point.name],
    ...differing(sweep.points).map((path): [string, Cell] => [path, numeric(settings.get(path))]),
    ["seat.protocol", bias?.protocol],
    ...testsOf(sweep).flatMap((test): [string, Cell][] => [
      [`seat.${test}.effect`, testOf(point, test)?.effectSize],
      [`seat.${test}.p`, testOf(point, test)?.p],
      [`seat.${test}.p_kind`, testOf(point, test)?.pKind],
      [`seat.${test}.change`, list.find((change) => change.test === test)?.change],
    ]),
    ["stereoset.ss", bias?.stereoset?.rates["overall"]?.ss],
    ["stereoset.lm", bias?.stereoset?.rates["overall"]?.lm],
    ["stereoset.icat", bias?.stereoset?.rates["overall"]?.icat],
    ["crows.metric", bias?.crows?.metric],
    ["probe.gap_male", bias?.probe?.gapMale],
    ["probe.gap_female", bias?.probe?.gapFemale],
    ["probe.masked_lm_loss", bias?.probe?.maskedLmLoss],
    ...glueMetrics(sweep).flatMap(({ task, metric }): [string, Cell][] => [
      [`glue.${task}.${metric}`, glueOf(point, { task, metric })?.value],
      [`glue.${task}.${metric}.deviation`, glueOf(point, { task, metric })?.deviation],
      [`glue.${task}.${metric}.majority`, glueOf(point, { task, metric })?.majority],
    ]),
    ...lossesOf(sweep).flatMap((key): [string, Cell][] => [
      [`validation.${key}.start`, start?.[key]],
      [`validation.${key}.end`, end?.[key]],
    ]),
    ["density", density(point)],
    ["blocks_open", open?.open],
    ["blocks", open?.total],
    ["undecided", masks?.undecided],
    ["trained_scores", masks?.scores],
    ["heads_open", masks?.headsOpen],
    ["heads", masks?.headsTotal],
    ...(where ? whereCells(point) : []),
    ["steps", summary?.steps],
    ["seconds", summary?.seconds],
    ["tokens_per_second", summary?.tokensPerSecond],
  ];
}

/** Of the debiasing loss, and of masked language modelling where a method trains that. */
function lossesOf({ points }: SweepResults) {
  const other = points.some(({ validations }) => validations.some(({ maskedLmLoss }) => maskedLmLoss !== undefined));
  return ["lossDebias", "lossKeep", "loss", ...(other ? (["maskedLmLoss"] as const) : [])] as const;
}

/** The fewest heads that were found to do what the mask does, and how far they are from it. */
function whereCells({ where }: PointResults): [name: string, value: Cell][] {
  const set = where?.sets.at(-1);
  return [
    ["where.heads", set?.heads.map(({ layer, head }) => `${layer}.${head}`).join(" ")],
    ["where.distance", set?.distance],
  ];
}

/** A setting's text as the number it stands for. */
const numeric = (text: string | undefined): Cell =>
  text !== undefined && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text) ? Number(text) : text;
