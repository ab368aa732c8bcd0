import { concat, type DebiasData, sentencesOf, type Sentences, type Tokenizer } from "@pruning-bias/data";
import type { AlternativeConfig } from "../config/alternative.ts";
import { memoryOfMaskedLm } from "../sweep/memory.ts";
import type { Found } from "./alternative.ts";
import { newCheckpoints, resumeFrom } from "./checkpoints.ts";
import type { Context } from "./context.ts";
import { firstSentences } from "./first-sentences.ts";
import { forget } from "./forget.ts";
import { loadModel, loadSentences, loadTexts, loadWordSwap, modelName, openJit } from "./inputs.ts";
import { longest, trainMaskedLm } from "./masked-lm-training.ts";
import { sayMemory } from "./say-memory.ts";
import { seatMeter } from "./seat.ts";

/**
 * Trains a masked language model on as it is, with swapped copies of sentences (CDA) or with more dropout, validated by its loss on
 * held-out sentences and SEAT; leaves `out/model`.
 */
export async function trainAlternative(
  config: AlternativeConfig,
  out: string,
  context: Context,
  { resume }: { resume: boolean },
): Promise<Found> {
  const { method, batch_size: batchSize, learning_rate: learningRate, ...settings } = config.alternative;
  const steps = Math.min(settings.steps, config.trainer.max_steps ?? Infinity);
  const from = resume ? await resumeFrom(config, out, context) : undefined;
  const jit = await openJit(config, context);
  const name = modelName(config);
  const model = await loadModel(name, context);
  const { checkpoint, tokenizer, dir } = model;
  if (checkpoint.weights["cls.predictions.bias"] === undefined || tokenizer.mask === undefined) {
    throw new Error(`${name}: expected a masked language model to train with ${method}, got one without that head`);
  }
  const data = await loadSentences(config, tokenizer, context);
  const sentences = await sentencesFor(config, data, tokenizer, context);
  const batch = { sentences: batchSize, width: longest(sentences), probability: settings.masking_probability };
  const smaller = { smaller: "alternative.batch_size" };
  sayMemory(checkpoint.config, (shape) => memoryOfMaskedLm(shape, batch), context, smaller);
  const seat = await seatMeter(config, model, { pruned: undefined, jit }, context);
  const epoch = Math.max(1, Math.floor(sentences.length / batchSize));
  const validation = {
    ...{ sentences: heldOut(config, data), seat },
    every: Math.max(1, Math.round(epoch * config.trainer.val_check_interval)),
  };
  await forget(out, { metrics: from === undefined });
  const checkpoints = from?.checkpoints ?? (await newCheckpoints(config, out));
  context.log(`${method}: ${sentences.length} sentences, ${steps} steps`);
  const dropout = { hidden: settings.hidden_dropout, attention: settings.attention_dropout };
  const { seconds, tokens, loss } = await trainMaskedLm(
    {
      ...{ checkpoint, tokenizer, tokenizerFrom: dir, sentences, steps, batchSize, learningRate, jit, checkpoints },
      ...{ probability: settings.masking_probability, seed: config.seed, every: config.trainer.checkpoint_every },
      ...{ metrics: "metrics.jsonl", what: "step", resume: from?.state, ...(method === "dropout" && { dropout }) },
      ...{ validation, tensorboard: true },
    },
    out,
    context,
  );
  return { steps, seconds, tokens, loss };
}

/** The validation sentences of all classes. */
function heldOut({ trainer }: AlternativeConfig, data: DebiasData): Sentences {
  const most = trainer.limit_val_sentences ?? Infinity;
  return [data.male, data.female, data.stereotype]
    .map(({ validation }) => firstSentences(validation, most))
    .reduce(concat);
}

/** The training sentences of all classes; for CDA those with gender words once more, swapped (Webster et al. 2020). */
async function sentencesFor(
  config: AlternativeConfig,
  { male, female, stereotype }: DebiasData,
  tokenizer: Tokenizer,
  context: Context,
): Promise<Sentences> {
  const original = [male.train, female.train, stereotype.train].reduce(concat);
  if (config.alternative.method !== "cda") return original;
  const swap = await loadWordSwap(config, context);
  const texts = await loadTexts(config, [...male.train.lines, ...female.train.lines], context);
  const swapped = texts.flatMap((text) => swap(text) ?? []);
  return concat(original, sentencesOf(swapped.map((text) => tokenizer.encode(text).inputIds)));
}
