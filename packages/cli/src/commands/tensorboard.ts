import type { Evaluation, Parameters, SettledEvent, StepEvent, ValidationEvent } from "@pruning-bias/debias";
import type { Layout } from "@pruning-bias/pruning";
import type { EventWriter, Json } from "@pruning-bias/training";

/** SEAT effects by test. */
export type Effects = Readonly<Record<string, number>>;

/** Writes a run's curves for TensorBoard, under the original's tag names where it has them. */
export interface RunEvents {
  step(event: StepEvent): void;
  validation(event: ValidationEvent, seat: { final: Effects; current: Effects }): void;
  /** Beside the last validation, which has the same step, under tags of its own. */
  settled(event: SettledEvent, seat: Effects): void;
  /** Sums of the epoch so far: what a checkpoint keeps. */
  sums(): Json;
  /** What was told so far is on its way to TensorBoard. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

type Losses = Record<string, number>;

export function runEvents(writer: EventWriter, layout: Layout | undefined, stored?: Json): RunEvents {
  let epoch = (stored ?? { steps: 0, sums: {} }) as { steps: number; sums: Losses };

  /** Densities of all modules and the distributions of all trained scores, `settled/` before the tags where they are settled. */
  const masks = ({ openBlocks, blocks, step }: ValidationEvent | SettledEvent, { scores }: Parameters, prefix = "") => {
    if (layout === undefined) return;
    for (const [index, { name }] of layout.modules.entries()) {
      writer.scalars({ [`${prefix}density/${name}`]: openBlocks[index]! / blocks[index]! }, step);
    }
    for (const { name, trained } of layout.scores) {
      const tag = `${prefix}scores/${name.replace(/\.mask_module.*/, "")}`;
      if (trained) writer.histogram(tag, scores[name]!.data, step);
    }
  };

  return {
    step(event) {
      const { step, stepsPerEpoch, totalSteps, threshold, lambda, learningRates, undecided, gradientNorm } = event;
      const losses = trainLosses(event, layout !== undefined);
      writer.scalars({ ...suffixed(losses, "_step"), gradient_norm: gradientNorm, ...rates(learningRates) }, step);
      if (layout !== undefined) {
        writer.scalars({ "pruning/threshold": threshold, "pruning/regu_lambda": lambda }, step);
        const open = sum(event.openBlocks);
        const closed = sum(event.blocks) - open;
        writer.scalars({ "gates/open": open, "gates/closed": closed, "gates/undecided": undecided }, step);
      }
      epoch = {
        steps: epoch.steps + 1,
        sums: Object.fromEntries(Object.entries(losses).map(([tag, loss]) => [tag, (epoch.sums[tag] ?? 0) + loss])),
      };
      if (step % stepsPerEpoch !== 0 && step < totalSteps) return;
      const means = Object.entries(epoch.sums).map(([tag, total]) => [`${tag}_epoch`, total / epoch.steps]);
      writer.scalars(Object.fromEntries(means) as Losses, step);
      epoch = { steps: 0, sums: {} };
    },

    validation(event, seat) {
      const { step, current, parameters } = event;
      writer.scalars({ ...evaluated("validation", event), ...evaluated("validation/current", current) }, step);
      writer.scalars({ ...finite("SEAT", seat.final), ...finite("SEAT/current", seat.current) }, step);
      masks(event, parameters());
    },

    settled(event, seat) {
      writer.scalars({ ...evaluated("settled", event), ...finite("SEAT/settled", seat) }, event.step);
      masks(event, event.parameters(), "settled/");
    },

    sums: () => epoch,
    flush: () => writer.flush(),
    close: () => writer.close(),
  };
}

// The original logs its loss before the regulariser joins it.
function trainLosses(event: StepEvent, pruning: boolean): Losses {
  const { loss, lossDebias, lossKeep, lossPrune, pruneWeight } = event;
  return {
    "train/loss": loss - pruneWeight * lossPrune,
    "train/loss/debias": lossDebias,
    "train/loss/regularize": lossKeep,
    ...(pruning && { "train/loss/prune/regularize": lossPrune }),
  };
}

const evaluated = (stage: string, { loss, lossDebias, lossKeep, undecided }: Evaluation): Losses => ({
  [`${stage}/loss`]: loss,
  [`${stage}/loss/debias`]: lossDebias,
  [`${stage}/loss/regularize`]: lossKeep,
  [`${stage}/gates/undecided`]: undecided,
});

// The names that Lightning's monitor gives one group, and several.
const rates = (learningRates: readonly number[]): Losses =>
  Object.fromEntries(
    learningRates.map((rate, group) => [learningRates.length === 1 ? "lr-AdamW" : `lr-AdamW/pg${group + 1}`, rate]),
  );

const suffixed = (losses: Losses, suffix: string): Losses =>
  Object.fromEntries(Object.entries(losses).map(([tag, loss]) => [`${tag}${suffix}`, loss]));

/** Effects under tags, without those that are no numbers: TensorBoard would draw them as 0. */
export const finite = (prefix: string, effects: Effects): Losses =>
  Object.fromEntries(
    Object.entries(effects)
      .filter(([, effect]) => Number.isFinite(effect))
      .map(([name, effect]) => [`${prefix}/${name}`, effect]),
  );

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
