/** A run that cannot go on: its loss is no number any more, or exploded. */
export class DivergenceError extends Error {
  /** Tells it from other errors. */
  override readonly name = "DivergenceError";
  /** The step that failed, from 1; the steps before it are good. */
  readonly step: number;

  constructor(message: string, step: number) {
    super(message);
    this.step = step;
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
 * Ends a run before a bad step's gradients reach its parameters.
 *
 * @throws DivergenceError where loss or gradients are no finite numbers, or the loss is over 1000 times the first
 */
export function expectConvergence({ step, batch, loss, gradientNorm, firstLoss }: StepLoss): void {
  const fail = (problem: string) => {
    throw new DivergenceError(`step ${step}, ${batch}: ${problem}`, step);
  };
  if (!Number.isFinite(loss)) fail(`expected a finite loss, got ${loss}`);
  const limit = EXPLODED * Math.max(1, firstLoss);
  if (loss > limit) fail(`expected a loss below ${limit.toPrecision(3)}, got ${loss.toPrecision(4)}: it exploded`);
  if (!Number.isFinite(gradientNorm)) fail(`expected finite gradients, got a norm of ${gradientNorm}`);
}
