import { join } from "node:path";
import { makeFolder } from "@pruning-bias/files";
import { concat, loadTokenizer, prepareCorpus, writeDemo } from "@pruning-bias/data";
import { type Checkpoint, initWeights, parseConfig } from "@pruning-bias/model";
import type { Config } from "../config/schema.ts";
import { memoryOfMaskedLm } from "../sweep/memory.ts";
import { newCheckpoints, resumeFrom } from "./checkpoints.ts";
import type { Context } from "./context.ts";
import { HELD_OUT } from "./held-out.ts";
import { openJit, within } from "./inputs.ts";
import { longest, trainMaskedLm } from "./masked-lm-training.ts";
import { sayMemory } from "./say-memory.ts";
import { writeSums } from "./sums.ts";

/** Writes the demo's data to `out/data` and trains a small BERT on it, to `out/model`. */
export async function pretrain(
  config: Config & { readonly pretrain: NonNullable<Config["pretrain"]> },
  out: string,
  context: Context,
  { resume = false }: { resume?: boolean } = {},
): Promise<{ loss: number }> {
  const { root, log } = context;
  const settings = config.pretrain;
  const jit = await openJit(config, context);
  await makeFolder(out);
  const from = resume ? await resumeFrom(config, out, context) : undefined;
  const checkpoints = from?.checkpoints ?? (await newCheckpoints(config, out));
  const { seed, skew, sentences, steps, batch_size: batchSize, learning_rate: learningRate } = settings;
  const files = await writeDemo(join(out, "data"), { seed, sentences, skew });
  const tokenizer = await loadTokenizer(files.tokenizer);
  const corpus = await prepareCorpus({
    ...{ corpus: files.corpus, words: files.words, tokenizer, seed, validationSize: HELD_OUT },
    cacheDir: within(root, config.data_dir),
    onDamaged: (problem) => log(`${problem}: making it again`),
  });
  const training = [corpus.male.train, corpus.female.train, corpus.stereotype.train].reduce(concat);
  const held = [corpus.male, corpus.female, corpus.stereotype].map(({ validation }) => validation).reduce(concat);
  const blankModel = blank(settings, tokenizer.vocabularySize, tokenizer.pad);
  sayMemory(
    blankModel.config,
    (shape) => memoryOfMaskedLm(shape, { sentences: batchSize, width: longest(training) }),
    context,
    { smaller: "pretrain.batch_size" },
  );
  log(`pre-training on ${training.length} sentences, ${steps} steps`);
  const trained = await trainMaskedLm(
    {
      ...{ checkpoint: blankModel, tokenizer, sentences: training, validation: { sentences: held } },
      ...{ tokenizerFrom: files.tokenizer, steps, batchSize, learningRate, seed, jit, checkpoints },
      ...{ every: config.trainer.checkpoint_every, resume: from?.state },
      ...{ metrics: "pretrain.jsonl", what: "pre-training step" },
    },
    out,
    context,
  );
  await writeSums(join(out, "pretrain.sha256"), ["data", "model", "pretrain.jsonl"]);
  await checkpoints.remove();
  return trained;
}

function blank(settings: NonNullable<Config["pretrain"]>, vocabularySize: number, pad: number): Checkpoint {
  const { hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, initializer_range, seed } = settings;
  const config = parseConfig({
    ...{ model_type: "bert", architectures: ["BertForMaskedLM"], hidden_act: "gelu" },
    ...{ hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, initializer_range },
    ...{ vocab_size: vocabularySize, pad_token_id: pad, max_position_embeddings: 128, type_vocab_size: 2 },
    ...{ hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, layer_norm_eps: 1e-12 },
  });
  return { config, weights: initWeights(config, { seed, head: "masked-lm" }) };
}
