import { spread } from "@pruning-bias/eval-glue/spread";
import type { PointResults, SettledRow, StoredBias, StoredGlue, SweepResults, ValidationRow } from "./results.ts";

/** Effect sizes that differ by less than this are called about the same. */
export const tolerance = 0.05;

/** A test's effect beside the untouched model's. */
export interface Change {
  readonly test: string;
  readonly effect: number;
  readonly before: number;
  /** |effect| − |before|: below 0 where bias fell; NaN where one of them is. */
  readonly change: number;
  readonly verdict: "fell" | "rose" | "same" | "unknown";
}

/** The model that a point started from, as it was; of an untouched model itself. */
export const untouchedOf = (sweep: SweepResults, point: PointResults): PointResults =>
  point.untouched ?? (sweep.points.includes(point) ? sweep.baseline : point);

/** All untouched models that points started from, the sweep's first. */
export const untouchedModels = ({ baseline, points }: SweepResults): PointResults[] => [
  ...new Set([baseline, ...points.flatMap(({ untouched }) => untouched ?? [])]),
];

/** All that was measured: the untouched models, and every point. */
export const measuredOf = (sweep: SweepResults): PointResults[] => [...untouchedModels(sweep), ...sweep.points];

/** A point's number in tables and pictures, from 1; untouched models are 0, or 0.1, 0.2, … (0.01, …) where there are several. */
export function numberOf(sweep: SweepResults, point: PointResults): string {
  const index = sweep.points.indexOf(point);
  if (index >= 0) return String(index + 1);
  const models = untouchedModels(sweep);
  const digits = String(models.length).length;
  return models.length === 1 ? "0" : `0.${String(models.indexOf(point) + 1).padStart(digits, "0")}`;
}

/** What a point's settings start from; of an untouched model those of a point that did. */
export function modelOf(sweep: SweepResults, point: PointResults): string | undefined {
  const own = sweep.points.includes(point) ? point : sweep.points.find((other) => untouchedOf(sweep, other) === point);
  const model = own?.config?.["model"] as { model_name?: unknown; hf_checkpoint?: unknown } | undefined;
  const name = model?.hf_checkpoint ?? model?.model_name;
  return typeof name === "string" ? name : undefined;
}

/** The tests of a sweep, in the order in which they first appear. */
export const testsOf = (sweep: SweepResults): string[] => [
  ...new Set(
    measuredOf(sweep).flatMap(({ bias, validations }) => [
      ...(bias?.tests.map(({ test }) => test) ?? []),
      ...validations.flatMap(({ seat }) => Object.keys(seat)),
    ]),
  ),
];

/** A point's tests beside those of the untouched model; none where one is missing or embeds otherwise. */
export function changes(point: PointResults, baseline: PointResults): Change[] {
  if (point.bias?.protocol !== baseline.bias?.protocol) return [];
  return (point.bias?.tests ?? []).flatMap(({ test, effectSize: effect }) => {
    const before = testOf(baseline, test)?.effectSize;
    if (before === undefined) return [];
    const change = Math.abs(effect) - Math.abs(before);
    return [{ test, effect, before, change, verdict: verdict(change) }];
  });
}

/** Mean |effect| of the tests that have a value in both, after and before. */
export function meanEffect(list: readonly Change[]): { after: number; before: number; tests: number } | undefined {
  const known = list.filter(({ verdict }) => verdict !== "unknown");
  const mean = (values: number[]) => values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
  if (known.length === 0) return undefined;
  return { after: mean(known.map((c) => c.effect)), before: mean(known.map((c) => c.before)), tests: known.length };
}

export const testOf = (point: PointResults, test: string): StoredBias["tests"][number] | undefined =>
  point.bias?.tests.find((result) => result.test === test);

/** The pronoun gap's size: mean of |gap| of male and female jobs. */
export const gap = ({ bias }: PointResults): number | undefined =>
  bias?.probe && (Math.abs(bias.probe.gapMale) + Math.abs(bias.probe.gapFemale)) / 2;

/** A metric of a GLUE task. */
export interface GlueMetric {
  readonly task: string;
  readonly metric: string;
}

export function glueMetrics(sweep: SweepResults): GlueMetric[] {
  const all = measuredOf(sweep).flatMap(({ glue }) =>
    glue.flatMap(({ task, metrics }) => Object.keys(metrics).map((metric) => ({ task, metric }))),
  );
  return [...new Map(all.map((column) => [JSON.stringify(column), column])).values()];
}

export interface GlueValue {
  /** The median over seeds. */
  readonly value: number;
  /** Sample standard deviation over seeds, where there are several. */
  readonly deviation: number | undefined;
  /** From the lowest seed to the highest, where there are several. */
  readonly range: readonly [number, number] | undefined;
  readonly majority: number | undefined;
  readonly runs: readonly StoredGlue[];
}

export function glueOf(point: PointResults, { task, metric }: GlueMetric): GlueValue | undefined {
  const runs = point.glue.filter((result) => result.task === task && metric in result.metrics);
  if (runs.length === 0) return undefined;
  const { median, deviation, min, max } = spread(runs.map(({ metrics }) => metrics[metric]!));
  const several = runs.length > 1;
  return {
    ...{ value: median, deviation: several ? deviation : undefined, range: several ? [min, max] : undefined },
    ...{ majority: runs[0]!.majority[metric], runs },
  };
}

/** The mean over tasks of each one's first metric, of points that have the tasks of the untouched model. */
export function glueMean(sweep: SweepResults, point: PointResults): number | undefined {
  const firsts = [
    ...new Map(
      glueMetrics(sweep)
        .toReversed()
        .map((column) => [column.task, column]),
    ).values(),
  ];
  const values = firsts.map((column) => glueOf(point, column)?.value);
  if (firsts.length === 0 || values.some((value) => value === undefined || !Number.isFinite(value))) return undefined;
  return values.reduce<number>((sum, value) => sum + value!, 0) / values.length;
}

/** A validation, or what settling gates has made of the last one. */
export type Evaluated = ValidationRow | SettledRow;

/**
 * The validation before training, and that of the model that was kept, as masks, bias tests and GLUE have it: after settling, of
 * the lowest loss where a run ends with that, else the last.
 */
export function ends({ validations, settled, config }: PointResults): { start?: ValidationRow; end?: Evaluated } {
  const start = validations.find(({ step }) => step === 0);
  const trained = validations.filter(({ step }) => step > 0);
  const best = keepsBest(config) ? trained.findLast((row) => row.best) : undefined;
  const end = settled ?? best ?? trained.at(-1);
  return { ...(start && { start }), ...(end && { end }) };
}

const keepsBest = (config: PointResults["config"]): boolean =>
  (config?.["trainer"] as { best_checkpoint?: unknown } | undefined)?.best_checkpoint === true;

/** Open blocks of all blocks, fixed ones included. */
export function blocks({ masks }: PointResults): { open: number; total: number } | undefined {
  if (masks === undefined) return undefined;
  const sum = (key: "open" | "total") => masks.modules.reduce((total, module) => total + module[key], 0);
  return { open: sum("open"), total: sum("total") };
}

/** The share of the masked matrices' weights that are open; every block counts alike where sizes are not stored. */
export function density({ masks }: PointResults): number | undefined {
  if (masks === undefined || masks.modules.length === 0) return undefined;
  const weights = ({ shape, total }: (typeof masks.modules)[number]) =>
    shape === undefined ? total : shape[0] * shape[1];
  const all = masks.modules.reduce((sum, module) => sum + weights(module), 0);
  const open = masks.modules.reduce(
    (sum, module) => sum + weights(module) * (module.total === 0 ? 1 : module.open / module.total),
    0,
  );
  return all === 0 ? undefined : open / all;
}

/** Whether a point left its model's masks alone, by its settings. */
export const prunesNothing = ({ config }: PointResults): boolean => config !== undefined && config["pruning"] === null;

function verdict(change: number): Change["verdict"] {
  if (!Number.isFinite(change)) return "unknown";
  if (Math.abs(change) < tolerance) return "same";
  return change < 0 ? "fell" : "rose";
}
