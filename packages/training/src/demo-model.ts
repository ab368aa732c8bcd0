import { join } from "node:path";
import {
  concat,
  type DebiasData,
  demoSides,
  type DemoFiles,
  loadTokenizer,
  prepareCorpus,
  type Tokenizer,
  writeDemo,
} from "@pruning-bias/data";
import { type Checkpoint, initWeights, parseConfig, saveCheckpoint } from "@pruning-bias/model";
import { generator, type Jit, type NDArray } from "@pruning-bias/runtime";
import { complete } from "./complete.ts";
import { pretrain, type PretrainEvent } from "./pretrain.ts";

/** Size, training and planted bias of the demo's model. */
export interface DemoModelOptions {
  /** Of the corpus, the first weights, and the order of sentences; 42 by default. */
  readonly seed?: number;
  /** Lines of the corpus; 4000 by default. */
  readonly sentences?: number;
  /** Sentences of each class that training does not see; 100 by default. */
  readonly validationSize?: number;
  /** How strongly topics are tied to gender: .5 not at all, 1 without exception; .9 by default. */
  readonly skew?: number;
  /** Of the encoder; 2 by default. */
  readonly layers?: number;
  /** Of a layer; 4 by default. */
  readonly heads?: number;
  /** Width of the hidden states, a multiple of `heads`, 64 by default; the feed-forward network is four times as wide. */
  readonly hiddenSize?: number;
  /** Batches of 64 sentences, 60 by default; 0 for a model that has learnt nothing. */
  readonly steps?: number;
  /**
   * How far a word's embedding starts on the side of the gender that the corpus ties it to, in standard deviations of all
   * numbers of the embeddings, .3 by default: in so few steps hardly any of the corpus' skew is learnt. 0 for what the corpus
   * teaches alone.
   */
  readonly planted?: number;
  /** What compiles programs; ONNX graphs on the processor by default. */
  readonly jit?: Jit;
  /** Told of every step. */
  readonly onStep?: (event: PretrainEvent) => void;
}

/** A small model with what it was made from. */
export interface DemoModel {
  /** A BERT with a masked language model's head; its `dir` is a folder that Hugging Face's transformers load. */
  readonly checkpoint: Checkpoint & { readonly dir: string };
  /** Of the corpus' words. */
  readonly tokenizer: Tokenizer;
  /** What it was trained on, prepared for debiasing. */
  readonly corpus: DebiasData;
  /** Where corpus, word lists and tests were written. */
  readonly files: DemoFiles;
}

/**
 * A small BERT made on the spot, in seconds and without a network, for trying things out: the demo's corpus with its known
 * gender skew is written to `dir/data`, a masked language model is trained on it and saved to `dir/model`. Its bias is for the
 * most part planted (Bolukbasi et al. 2016 find such a direction in word embeddings); the demo's sweep is where it is learnt.
 *
 * @throws Error for sizes that no model can have, or a folder that cannot be written; what `pretrain` throws
 */
export async function demoModel(dir: string, options: DemoModelOptions = {}): Promise<DemoModel> {
  const { seed = 42, sentences = 4000, validationSize = 100, skew = 0.9, steps = 60, jit, onStep } = options;
  const { layers = 2, heads = 4, hiddenSize = 64, planted = 0.3 } = options;
  const files = await writeDemo(join(dir, "data"), { seed, sentences, skew });
  const tokenizer = await loadTokenizer(files.tokenizer);
  const cacheDir = join(dir, "cache");
  const { corpus: text, words } = files;
  const corpus = await prepareCorpus({ corpus: text, words, tokenizer, seed, validationSize, cacheDir });
  const config = parseConfig({
    ...{ model_type: "bert", architectures: ["BertForMaskedLM"], hidden_act: "gelu", max_position_embeddings: 128 },
    ...{ hidden_size: hiddenSize, num_hidden_layers: layers, num_attention_heads: heads },
    ...{ intermediate_size: 4 * hiddenSize, vocab_size: tokenizer.vocabularySize, pad_token_id: tokenizer.pad },
    // Drawn with BERT's .02 nothing is learnt in so few steps.
    ...{ initializer_range: 0.08, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
  });
  const blank = { config, weights: initWeights(config, { seed, head: "masked-lm" }) };
  plant(blank.weights["embeddings.word_embeddings.weight"]!, tokenizer, planted * config.initializer_range, seed);
  const masking = {
    mask: tokenizer.mask!,
    special: [tokenizer.pad, tokenizer.cls, tokenizer.sep],
    vocabularySize: tokenizer.vocabularySize,
  };
  const run = pretrain({
    ...{ checkpoint: blank, masking, steps, seed },
    sentences: [corpus.male.train, corpus.female.train, corpus.stereotype.train].reduce(concat),
    ...(jit && { jit }),
  });
  const trained = steps === 0 ? blank : await complete(run, onStep);
  const model = join(dir, "model");
  await saveCheckpoint(model, trained, { tokenizerFrom: files.tokenizer });
  return { checkpoint: { ...trained, dir: model }, tokenizer, corpus, files };
}

/** Adds a direction to the embeddings of one gender's words, and takes it from the other's. */
function plant({ data, shape }: NDArray, tokenizer: Tokenizer, strength: number, seed: number): void {
  const D = shape[1]!;
  const random = generator(seed);
  const direction = Float32Array.from({ length: D }, () => (random.uniform() < 0.5 ? strength : -strength));
  for (const [side, words] of Object.entries(demoSides())) {
    for (const id of words.flatMap((word) => tokenizer.pieces(word))) {
      direction.forEach((step, i) => (data[id * D + i]! += side === "male" ? step : -step));
    }
  }
}
