import type { Arrays } from "./optimizer.ts";

/** A run that cannot go on: its loss or its parameters are no numbers any more, or exploded. */
export class DivergenceError extends Error {
  /** Tells it from other errors. */
  override readonly name = "DivergenceError";
  /** The step that failed, from 1. */
  readonly step: number;
  /** Steps after which the parameters were last seen to be good; 0 for those before training. */
  readonly lastGood: number;

  constructor(message: string, step: number, lastGood: number) {
    super(message);
    this.step = step;
    this.lastGood = Math.max(0, lastGood);
  }
}

/** The loss of one step, and what names the step. */
export interface StepLoss {
  /** From 1. */
  readonly step: number;
  /** What was computed on, such as `batch 3 of epoch 1 (targets 4, 9, 12)`. */
  readonly batch: string;
  /** Of the step. */
  readonly loss: number;
  /** Norm of all gradients. */
  readonly gradientNorm: number;
  /** Loss of the first step. */
  readonly firstLoss: number;
}

/** So many times the first loss, or 1 where that is less, is an explosion and no bad batch. */
const EXPLODED = 1000;

/**
 * Ends a run before a bad step's gradients reach its parameters. It is the update before that made them what they are, so that those
 * of two steps before are the last good ones.
 *
 * @throws DivergenceError where loss or gradients are no finite numbers, or the loss is over 1000 times the first
 */
export function expectConvergence({ step, batch, loss, gradientNorm, firstLoss }: StepLoss): void {
  const fail = (problem: string) => {
    throw new DivergenceError(`step ${step}, ${batch}: ${problem}`, step, step - 2);
  };
  const problem = problemOf(loss, firstLoss);
  if (problem !== undefined) fail(problem);
  if (!Number.isFinite(gradientNorm)) fail(`expected finite gradients, got a norm of ${gradientNorm}`);
}

/** Losses of a validation. */
export interface ValidationLoss {
  /** Updates made before it; 0 before training. */
  readonly step: number;
  /** What was evaluated, such as `the final threshold`. */
  readonly at?: string;
  /** Of the validation sentences. */
  readonly loss: number;
  /** Loss of the first step; without it any finite loss is good. */
  readonly firstLoss?: number | undefined;
}

/**
 * Ends a run whose last update made parameters that are of no use: no step's loss comes after it to show that.
 *
 * @throws DivergenceError where the loss is no finite number, or over 1000 times the first
 */
export function expectGoodValidation({ step, at, loss, firstLoss }: ValidationLoss): void {
  const problem = problemOf(loss, firstLoss);
  if (problem === undefined) return;
  const when = step === 0 ? "before training" : `after step ${step}`;
  throw new DivergenceError(`validation ${when}${at === undefined ? "" : `, at ${at}`}: ${problem}`, step, step - 1);
}

/**
 * Ends a run whose update has left a parameter, [any shape], that is no finite number. Masks hide such scores from losses: nothing is
 * above or below NaN.
 *
 * @throws DivergenceError naming step and parameter
 */
export function expectFinite(step: number, parameters: Arrays): void {
  for (const [name, { data }] of Object.entries(parameters)) {
    for (let i = 0; i < data.length; i++) {
      if (Number.isFinite(data[i])) continue;
      const problem = `expected finite parameters after its update, got ${data[i]} in ${name}`;
      throw new DivergenceError(`step ${step}: ${problem}`, step, step - 1);
    }
  }
}

function problemOf(loss: number, firstLoss: number | undefined): string | undefined {
  if (!Number.isFinite(loss)) return `expected a finite loss, got ${loss}`;
  if (firstLoss === undefined) return undefined;
  const limit = EXPLODED * Math.max(1, firstLoss);
  return loss > limit
    ? `expected a loss below ${limit.toPrecision(3)}, got ${loss.toPrecision(4)}: it exploded`
    : undefined;
}
