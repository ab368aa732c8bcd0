import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Sentences, Tokenizer } from "@pruning-bias/data";
import type { Checkpoint } from "@pruning-bias/model";
import type { Jit } from "@pruning-bias/runtime";
import { pretrain, type TrainingState } from "@pruning-bias/training";
import type { Checkpoints } from "./checkpoints.ts";
import type { Context } from "./context.ts";
import { metricsFile } from "./metrics-file.ts";
import { saveModel } from "./save-model.ts";

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
  /** The file in `out` that gets a row for each step. */
  readonly metrics: string;
  /** `pre-training step`: for people. */
  readonly what: string;
}

/**
 * Trains a masked language model and leaves it in `out/model`.
 *
 * @throws DivergenceError where the loss is no number or explodes, naming step, batch and the last good checkpoint
 */
export async function trainMaskedLm(
  training: MaskedLmTraining,
  out: string,
  { progress }: Context,
): Promise<{ loss: number; tokens: number; seconds: number }> {
  const { tokenizer, tokenizerFrom, probability, dropout, checkpoints, every, resume, metrics, what, ...options } =
    training;
  const { config } = options.checkpoint;
  const masking = {
    mask: tokenizer.mask!,
    special: [tokenizer.pad, tokenizer.cls, tokenizer.sep],
    vocabularySize: tokenizer.vocabularySize,
    ...(probability !== undefined && { probability }),
  };
  const stored = resume?.values["log"] as { metrics: number; tokens: number; seconds: number } | undefined;
  if (stored === undefined) await rm(join(out, `${metrics}.part`), { force: true });
  const rows = await metricsFile(join(out, metrics), stored?.metrics);
  const trained = dropout && {
    ...config,
    hidden_dropout_prob: dropout.hidden,
    attention_probs_dropout_prob: dropout.attention,
  };
  const checkpoint = { ...options.checkpoint, config: trained ?? config };
  const run = pretrain({ ...options, checkpoint, masking, ...(resume && { resume }) });
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000 + (stored?.seconds ?? 0);
  let [loss, tokens] = [NaN, stored?.tokens ?? 0];
  try {
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
      tokens += value.tokens;
      await rows.append({ kind: "step", step, totalSteps, loss });
      progress({ what, done: step, total: totalSteps, detail: `loss ${loss.toFixed(4)}` });
      if (step % every === 0 && step < totalSteps) {
        const state = value.state();
        const log = { metrics: await rows.length(), tokens, seconds: seconds() };
        await checkpoints.write({ ...state, values: { ...state.values, log } });
      }
    }
  } catch (error) {
    throw checkpoints.explained(error);
  }
  await rows.finish();
  await checkpoints.remove();
  return { loss, tokens, seconds: seconds() };
}
