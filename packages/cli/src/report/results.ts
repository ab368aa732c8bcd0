import { z } from "zod";

/** JSON has no NaN and no infinities: they are stored by name. */
const number = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"]).transform(Number)]);
const optional = number.nullish().transform((value) => value ?? undefined);
const count = z.int().nonnegative();
const optionalCount = count.nullish().transform((value) => value ?? undefined);
const numbers = z.record(z.string(), number);

/** `config.json`: settings by group, as they were resolved. */
export const StoredConfig = z.record(z.string(), z.unknown());

/** A training step, a row of `metrics.jsonl`. */
export const StepRow = z.object({ kind: z.literal("step"), step: count, loss: number });
export type StepRow = z.infer<typeof StepRow>;

const gates = { threshold: optional, open: optionalCount, closed: optionalCount, undecided: optionalCount };

/** Losses in evaluation mode, each where a run's method has it; `seat` are effect sizes by test. */
const evaluated = {
  step: count,
  ...{ loss: optional, lossDebias: optional, lossKeep: optional, maskedLmLoss: optional },
  seat: numbers.default({}),
  ...gates,
};

/**
 * A validation, a row of `metrics.jsonl`: evaluation mode, final threshold. `current` is the same at the threshold that training
 * is at; `best` says that none before had a lower loss.
 */
export const ValidationRow = z.object({
  kind: z.literal("validation"),
  ...evaluated,
  best: z.boolean().nullish(),
  current: z.object(gates).nullish(),
});
export type ValidationRow = z.infer<typeof ValidationRow>;

/** The same once undecided gates are settled: of the model that is kept. */
export const SettledRow = z.object({
  kind: z.literal("settled"),
  ...evaluated,
  ...{ method: z.string().optional(), changed: optionalCount },
});
export type SettledRow = z.infer<typeof SettledRow>;

/** `masks.json`: what is open in the end; absent where nothing is pruned. */
export const StoredMasks = z.object({
  threshold: number,
  modules: z.array(
    z.object({
      ...{ name: z.string(), layer: count.max(1000), open: count, total: count },
      shape: z.tuple([count, count]).optional(),
      // What is drawn has as many places as are claimed.
      grid: z.tuple([count.max(65_536), count.max(65_536)]).optional(),
      /** Bits of blocks in base64, row by row. */
      mask: z.base64().optional(),
    }),
  ),
  /** Layers × heads: 1 open, 0 closed, between them undecided. */
  heads: z.array(z.array(z.number().min(0).max(1))),
  headsOpen: count,
  headsTotal: count,
  undecided: count,
  /** Trained scores, of which `undecided` are. */
  scores: count,
});
export type StoredMasks = z.infer<typeof StoredMasks>;

const rates = z.object({ ss: number, lm: number, icat: number });
const stereoset = z.object({ protocol: z.string(), rates: z.record(z.string(), rates) });
const crows = z.object({ protocol: z.string(), metric: number, p: number.nullish() });

/** `bias.json`: SEAT effect sizes, tests of masked language models, and where there is one the probe with pronouns. */
export const StoredBias = z.object({
  protocol: z.string(),
  stereoset: stereoset.optional().catch(undefined),
  crows: crows.optional().catch(undefined),
  tests: z.array(z.object({ test: z.string(), effectSize: number, p: number.nullable(), pKind: z.string() })),
  probe: z.object({ gapMale: number, gapFemale: number, maskedLmLoss: number }).optional(),
});
export type StoredBias = z.infer<typeof StoredBias>;

const head = z.object({ layer: count, head: count });

/**
 * `where.json`: SEAT with each attention head closed alone, and the sets of heads that a greedy search found on its way to the
 * effects of the point's mask, or to none where nothing is pruned.
 */
export const StoredWhere = z.object({
  open: numbers,
  heads: z.array(z.object({ ...head.shape, effects: numbers })),
  goal: z.object({ effects: numbers, enough: number, closed: z.array(head).optional() }),
  sets: z.array(z.object({ heads: z.array(head).min(1), effects: numbers, distance: number })),
});
export type StoredWhere = z.infer<typeof StoredWhere>;

/** `glue/NAME.json`, a task with a seed: dev metrics, and what always answering with the commonest label would give. */
export const StoredGlue = z.object({
  task: z.string(),
  seed: count,
  metrics: numbers,
  majority: numbers.default({}),
  epochs: number,
  seconds: number,
});
export type StoredGlue = z.infer<typeof StoredGlue>;

/** A GLUE run that a sweep asks of a point. */
export type GlueAsked = Pick<StoredGlue, "task" | "seed">;

/** `summary.json`: what the training took. */
export const StoredSummary = z.object({ steps: count, seconds: number, tokens: number, tokensPerSecond: number });
export type StoredSummary = z.infer<typeof StoredSummary>;

/** What is known of a point; what was not run is absent. */
export interface PointResults {
  readonly name: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly steps: readonly StepRow[];
  readonly validations: readonly ValidationRow[];
  readonly settled?: SettledRow;
  readonly masks?: StoredMasks;
  readonly bias?: StoredBias;
  readonly where?: StoredWhere;
  readonly glue: readonly StoredGlue[];
  readonly summary?: StoredSummary;
  /** The untouched model that it started from, where that is another one than the sweep's `baseline`. */
  readonly untouched?: PointResults;
}

/** The results of the untouched model, of the first point's where they start from several, and those of every point of a sweep. */
export interface SweepResults {
  readonly sweep: string;
  readonly baseline: PointResults;
  readonly points: readonly PointResults[];
}
