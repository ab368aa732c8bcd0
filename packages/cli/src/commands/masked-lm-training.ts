import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Sentences, Tokenizer } from "@pruning-bias/data";
import type { Checkpoint } from "@pruning-bias/model";
import { maskedLm, maskedLmLoss } from "@pruning-bias/eval-bias";
import type { Jit, NDArray } from "@pruning-bias/runtime";
import { eventWriter, expectGoodValidation, pretrain, type TrainingState } from "@pruning-bias/training";
import type { Checkpoints } from "./checkpoints.ts";
import type { Context } from "./context.ts";
import { metricsFile } from "./metrics-file.ts";
import { saveModel } from "./save-model.ts";
import type { SeatMeter } from "./seat.ts";
import { finite } from "./tensorboard.ts";

export interface MaskedLmTraining {
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly tokenizerFrom: string;
  readonly sentences: Sentences;
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Share of the tokens that are predicted. */
  readonly probability?: number;
  /** In training, in place of the model's own. */
  readonly dropout?: { readonly hidden: number; readonly attention: number };
  readonly seed: number;
  readonly jit: Jit;
  /** The checkpoints to write, one each so many steps, and the state to go on from. */
  readonly checkpoints: Checkpoints;
  readonly every: number;
  readonly resume?: TrainingState | undefined;
  readonly validation: MaskedLmValidation;
  /** Curves for TensorBoard; none by default. */
  readonly tensorboard?: boolean;
  /** The file in `out` that gets a row for each step and validation. */
  readonly metrics: string;
  /** `pre-training step`: for people. */
  readonly what: string;
}

/** What a masked language model is tried on while it trains. */
export interface MaskedLmValidation {
  /** Not trained on; every seventh token is hidden. */
  readonly sentences: Sentences;
  /** Before training, after so many steps each time, and at the end; only there by default. */
  readonly every?: number;
  /** SEAT of a model with these weights; not measured by default. */
  readonly seat?: SeatMeter;
}

/**
 * Trains a masked language model and leaves it in `out/model`; its last checkpoint stays.
 *
 * @throws DivergenceError where a loss or a parameter is no number or explodes, naming step, batch and the last good checkpoint
 */
export async function trainMaskedLm(
  training: MaskedLmTraining,
  out: string,
  { log, progress }: Context,
): Promise<{ loss: number; tokens: number; seconds: number }> {
  const { tokenizer, tokenizerFrom, probability, dropout, checkpoints, every, resume, metrics, what, ...rest } =
    training;
  const { validation, tensorboard = false, ...options } = rest;
  const { config } = options.checkpoint;
  const masking = {
    mask: tokenizer.mask!,
    special: [tokenizer.pad, tokenizer.cls, tokenizer.sep],
    vocabularySize: tokenizer.vocabularySize,
    ...(probability !== undefined && { probability }),
  };
  const stored = resume?.values["log"] as Stored | undefined;
  if (stored === undefined) await rm(join(out, `${metrics}.part`), { force: true });
  const rows = await metricsFile(join(out, metrics), stored?.metrics);
  const events = tensorboard
    ? await eventWriter(out, resume === undefined ? {} : { purgeStep: resume.step + 1 })
    : undefined;
  const trained = dropout && {
    ...config,
    hidden_dropout_prob: dropout.hidden,
    attention_probs_dropout_prob: dropout.attention,
  };
  const checkpoint = { ...options.checkpoint, config: trained ?? config };
  const predict = maskedLm({ checkpoint: options.checkpoint, tokenizer, jit: options.jit });
  const run = pretrain({ ...options, checkpoint, masking, ...(resume && { resume }) });
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000 + (stored?.seconds ?? 0);
  let [loss, tokens] = [stored?.loss ?? NaN, stored?.tokens ?? 0];
  let firstLoss: number | undefined;

  // A checkpoint is one before the validation that may follow its step.
  const validate = async (step: number, weights: () => Readonly<Record<string, NDArray>>): Promise<void> => {
    const due = validation.every !== undefined && step % validation.every === 0;
    if (step !== options.steps && !due) return;
    const current = { weights: weights() };
    const held = await maskedLmLoss((clozes) => predict(clozes, current), tokenizer, validation.sentences);
    expectGoodValidation({ step, loss: held, firstLoss });
    const seat = (await validation.seat?.(current)) ?? {};
    await rows.append({ kind: "validation", step, maskedLmLoss: held, ...(validation.seat && { seat }) });
    events?.scalars({ "validation/loss/masked_lm": held, ...finite("SEAT", seat) }, step);
    await events?.flush();
    const effects = Object.entries(seat).map(([name, effect]) => `${name} ${effect.toFixed(2)}`);
    log(`validation at step ${step}: ${[`masked-LM loss ${held.toFixed(4)}`, ...effects].join(", ")}`);
  };

  try {
    await validate(resume?.step ?? 0, () => resume?.optimizer.parameters ?? checkpoint.weights);
    for (;;) {
      const { done, value } = await run.next();
      if (done) {
        await rm(join(out, "model"), { recursive: true, force: true });
        // Under its own dropout: more of it is for this training alone.
        await saveModel(join(out, "model"), { ...value, config }, { tokenizerFrom });
        break;
      }
      const { step, totalSteps } = value;
      loss = value.loss;
      firstLoss ??= loss;
      tokens += value.tokens;
      await rows.append({ kind: "step", step, totalSteps, loss });
      events?.scalars({ "train/loss/masked_lm_step": loss }, step);
      await events?.flush();
      progress({ what, done: step, total: totalSteps, detail: `loss ${loss.toFixed(4)}` });
      if (step % every === 0 || step === totalSteps) {
        const state = value.state();
        await rows.flush();
        const own: Stored = { metrics: rows.length(), tokens, loss, seconds: seconds() };
        await checkpoints.write({ ...state, values: { ...state.values, log: { ...own } } });
      }
      await validate(step, () => value.state().optimizer.parameters);
    }
  } catch (error) {
    throw checkpoints.explained(error);
  }
  await Promise.all([predict.dispose(), validation.seat?.dispose(), events?.close()]);
  await rows.finish();
  await checkpoints.finish();
  return { loss, tokens, seconds: seconds() };
}

/** Where the log stood at a checkpoint. */
interface Stored {
  readonly metrics: number;
  readonly tokens: number;
  readonly loss: number;
  readonly seconds: number;
}

/** Tokens of the longest sentence. */
export const longest = ({ offsets, length }: Sentences): number => {
  let most = 0;
  for (let row = 0; row < length; row++) most = Math.max(most, offsets[row + 1]! - offsets[row]!);
  return most;
};
