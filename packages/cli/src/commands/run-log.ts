import { join } from "node:path";
import type { Evaluation, SettledEvent, StepEvent, ValidationEvent } from "@pruning-bias/debias";
import type { Layout } from "@pruning-bias/pruning";
import { eventWriter, type Json, type TrainingState } from "@pruning-bias/training";
import type { Context } from "./context.ts";
import { metricsFile } from "./metrics-file.ts";
import { type Effects, runEvents } from "./tensorboard.ts";

/** What a run tells of itself: a line a row in `metrics.jsonl`, curves for TensorBoard, progress for people. */
export interface RunLog {
  step(event: StepEvent): Promise<void>;
  validation(event: ValidationEvent, seat: { final: Effects; current: Effects }): Promise<void>;
  settled(event: SettledEvent, seat: Effects): Promise<void>;
  /** The state of the last step with where the log stood then, so that a run that goes on from it leaves no row out and none twice. */
  into(state: TrainingState): Promise<TrainingState>;
  totals(): { seconds: number; tokens: number };
  finish(): Promise<void>;
}

interface Stored {
  readonly metrics: number;
  readonly seconds: number;
  readonly tokens: number;
  readonly epoch: Json;
}

export async function runLog(
  out: string,
  { layout, resume }: { layout: Layout | undefined; resume?: TrainingState },
  { log, progress }: Pick<Context, "log" | "progress">,
): Promise<RunLog> {
  const stored = resume?.values["log"] as Stored | undefined;
  const metrics = await metricsFile(join(out, "metrics.jsonl"), stored?.metrics);
  const writer = await eventWriter(out, resume === undefined ? {} : { purgeStep: resume.step + 1 });
  const events = runEvents(writer, layout, stored?.epoch);
  const started = performance.now();
  const secondsHere = () => (performance.now() - started) / 1000;
  const seconds = () => secondsHere() + (stored?.seconds ?? 0);
  let tokensHere = 0;
  const tokens = () => tokensHere + (stored?.tokens ?? 0);
  // Where the log stood after the last step: a state is one before the validation that may follow.
  let afterStep: Stored = { metrics: metrics.length(), seconds: seconds(), tokens: tokens(), epoch: events.sums() };

  return {
    async step(event) {
      const { kind, step, totalSteps, epoch, lambda, lossPrune, gradientNorm, learningRates, headsOpen } = event;
      tokensHere += event.tokens;
      events.step(event);
      await events.flush();
      await metrics.append({
        ...{ kind, step, totalSteps, epoch, ...evaluation(event), lossPrune, lambda, gradientNorm },
        ...{ learningRate: learningRates[0], tokens: event.tokens, seconds: seconds() },
      });
      const detail = [
        `loss ${event.loss.toFixed(4)}`,
        ...(layout === undefined ? [] : [headsClosed(headsOpen, layout)]),
        `${Math.round(tokensHere / secondsHere())} tokens/s`,
      ];
      progress({ what: "step", done: step, total: totalSteps, detail: detail.join("  ") });
      afterStep = { metrics: metrics.length(), seconds: seconds(), tokens: tokens(), epoch: events.sums() };
    },

    async validation(event, seat) {
      const { kind, step, epoch, current, best } = event;
      events.validation(event, seat);
      await events.flush();
      const row = { kind, step, epoch, ...evaluation(event), seat: seat.final, best };
      await metrics.append({ ...row, current: { ...evaluation(current), seat: seat.current }, seconds: seconds() });
      log(`validation at step ${step}: ${told(event, seat.final)}`);
      if (seat.current !== seat.final) {
        log(`  at the current threshold ${current.threshold.toPrecision(3)}: ${told(current, seat.current)}`);
      }
    },

    async settled(event, seat) {
      const { kind, step, method, averaged, changed, before } = event;
      events.settled(event, seat);
      await events.flush();
      const row = { kind, step, method, averaged, changed, ...evaluation(event), seat, before: evaluation(before) };
      await metrics.append({ ...row, seconds: seconds() });
      const over = `by ${method} over ${averaged} ${averaged === 1 ? "step" : "steps"}`;
      log(`settled ${over}, ${changed} gates changed: ${told(event, seat)}`);
    },

    async into(state) {
      await metrics.flush();
      return { ...state, values: { ...state.values, log: { ...afterStep } } };
    },

    totals: () => ({ seconds: seconds(), tokens: tokens() }),

    async finish() {
      await events.close();
      await metrics.finish();
    },
  };
}

function counts({ openBlocks, blocks, undecided }: Pick<Evaluation, "openBlocks" | "blocks" | "undecided">) {
  const open = sum(openBlocks);
  return blocks.length === 0 ? {} : { open, closed: sum(blocks) - open, undecided };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

function evaluation(event: Evaluation) {
  const { loss, lossDebias, lossKeep, threshold } = event;
  return { loss, lossDebias, lossKeep, threshold, ...counts(event) };
}

function headsClosed(open: readonly number[], { sizes }: Layout): string {
  // As many layers as have heads of their own.
  const all = open.length * sizes.num_attention_heads;
  return `${all - sum(open)} of ${all} heads closed`;
}

function told(event: Evaluation, seat: Effects): string {
  const effects = Object.entries(seat).map(([name, effect]) => `${name} ${effect.toFixed(2)}`);
  const gates = event.blocks.length === 0 ? [] : [`${event.undecided} undecided`];
  return [`debias ${event.lossDebias.toFixed(4)}`, `keep ${event.lossKeep.toFixed(4)}`, ...effects, ...gates].join(
    ", ",
  );
}
