import { publishedTests } from "@pruning-bias/data/published";
import type { DebiasMode, EmbeddingLayer, LossForm, SettleMethod } from "@pruning-bias/debias";
import type { BackendName } from "@pruning-bias/runtime";
import { z } from "zod";

// Types alone are imported: commands that only look at settings start without TensorFlow.js.
const embeddingLayers = ["first", "last", "all", "intermediate", "CLS"] as const satisfies EmbeddingLayer[];
const debiasModes = ["sentence", "token"] as const satisfies DebiasMode[];
const settleMethods = ["none", "average", "greedy"] as const satisfies SettleMethod[];
const lossForms = ["sum_of_squares", "squared_sum", "direction"] as const satisfies LossForm[];

const backends = [
  "auto",
  ...(["onnx-cpu", "onnx-cuda", "onnx-webgpu", "onnx-directml", "onnx-coreml"] as const),
  ...(["tfjs-node-gpu", "tfjs-node", "tfjs-cpu"] as const),
] as const satisfies ("auto" | BackendName)[];

const count = z.int().nonnegative();
const positive = z.int().positive();
const share = z.number().min(0).max(1);
const text = z.string().min(1);
const flag = z.boolean();

/** `head`: rows and columns such that a block is a whole head of whichever model is pruned. */
const blockSize = z.union([positive, z.literal("head")]);
const methods = ["sigmoid_threshold", "sigmoied_threshold", "threshold", "topK", "magnitude", "l0"] as const;
const inLayouts = <L extends string>(...layouts: L[]) =>
  methods.flatMap((method) => layouts.map((layout) => `${method}:${layout}` as const));

const Model = z.strictObject({
  model_name: text.default("bert-base-uncased").describe("a model of the hub, or a folder"),
  embedding_layer: z
    .enum(embeddingLayers)
    .default("last")
    .describe(
      "hidden states that the debiasing loss reads; CLS: the last one at the first token, in either debias_mode",
    ),
  debias_mode: z.enum(debiasModes).default("sentence").describe("all positions of a sentence, or its keywords' mean"),
  debias_loss_form: z
    .enum(lossForms)
    .nullable()
    .default(null)
    .describe("form of the debiasing loss; null: as `compat` says"),
  learning_rate: z.number().positive().default(5e-5).describe("of weights"),
  weight_decay: z.number().nonnegative().default(0).describe("of weights but biases and LayerNorms"),
  adam_eps: z.number().positive().default(1e-8).describe("of AdamW when nothing is pruned; 1e-6 when pruning"),
  optimizer: z.enum(["transformers", "torch"]).default("transformers").describe("whose AdamW"),
  warmup_steps: count.default(0).describe("of learning rate and threshold"),
  loss_alpha: z
    .number()
    .nonnegative()
    .nullable()
    .default(null)
    .describe("weight of the debiasing loss; null: .2, and 2 for the form `direction`, which is one direction of many"),
  loss_beta: z.number().nonnegative().default(0.8).describe("weight of keeping the attributes' embeddings"),
  hf_checkpoint: text
    .nullable()
    .default(null)
    .describe("start from this checkpoint instead of model_name; sweeps make one below runs/classifiers first"),
  freeze_weights: flag.default(false).describe("train scores alone"),
  share_pruning_scores: flag.default(false).describe("one score tensor for query, key and value"),
  prune_values_only: flag.default(false).describe("queries and keys stay open, values are trained"),
  prune_attention_only: flag.default(false).describe("do not train the feed-forward network's scores"),
});

export const Pruning = z.strictObject({
  mask_scores_learning_rate: z.number().positive().default(0.01).describe("of scores"),
  initial_warmup: z.number().nonnegative().default(1).describe("warm-ups at the initial threshold"),
  final_warmup: z.number().nonnegative().default(10).describe("warm-ups at the final threshold"),
  initial_threshold: z
    .number()
    .default(0)
    .describe("τ0: what scores are compared with at first; a density for topK and magnitude"),
  final_threshold: z.number().default(0.1).describe("τ1: the same in the end, and in evaluation"),
  dense_pruning_method: z
    .enum([...inLayouts("1d_alt", "1d"), ...methods, "disabled"])
    .default("sigmoid_threshold:1d_alt")
    .describe("feed-forward network; 1d_alt: by neurons; 1d: by rows times columns"),
  dense_block_rows: positive.default(1).describe("rows of a block of the feed-forward network"),
  dense_block_cols: positive.default(1).describe("columns of a block of the feed-forward network"),
  dense_lambda: z
    .number()
    .nonnegative()
    .default(1)
    .describe("weight of the feed-forward network's scores in the regulariser"),
  attention_pruning_method: z
    .enum([...methods, ...inLayouts("joint", "1d"), "disabled"])
    .default("sigmoid_threshold")
    .describe("joint: one score tensor for query, key, value and output"),
  ampere_pruning_method: z
    .enum(["disabled", "sigmoid_threshold", "sigmoied_threshold", "annealing"])
    .default("disabled")
    .describe("2:4 sparsity times every mask"),
  initial_ampere_temperature: z.number().nonnegative().default(0).describe("of 2:4 sparsity"),
  final_ampere_temperature: z.number().nonnegative().default(20).describe("of 2:4 sparsity, on the threshold's way"),
  attention_block_rows: blockSize.default(32).describe("rows of a block; `head`: of a head"),
  attention_block_cols: blockSize.default(32).describe("columns of a block; `head`: all of them"),
  attention_lambda: z.number().nonnegative().default(1).describe("weight of the attention's scores in the regulariser"),
  attention_output_with_dense: z
    .union([flag, z.literal([0, 1])])
    .default(0)
    .describe("prune the attention's output as the feed-forward network"),
  settle: z
    .enum(settleMethods)
    .default("none")
    .describe(
      "what becomes of gates that end on the threshold: as the last step left them, by average of the last quarter of the steps (of those since the lowest loss where a run stops before), or by loss",
    ),
  settle_sentences: positive
    .default(100)
    .describe("of settle=greedy: validation sentences of each class it decides by"),
  mask_init: z
    .enum(["constant", "uniform", "kaiming"])
    .default("constant")
    .describe("what scores are drawn from before training"),
  mask_scale: z.number().default(0).describe("initial score, or half the width of uniform ones"),
  regularization: z
    .enum(["l1", "l0", "disabled"])
    .default("l1")
    .describe("l1: mean σ(S); l0: the chance that a hard concrete gate is not 0"),
  regularization_final_lambda: z
    .number()
    .nonnegative()
    .default(1)
    .describe("λ: weight of the regulariser at the final threshold"),
  lambda_schedule: z.enum(["threshold", "constant"]).default("threshold").describe("λ in proportion to τ, or constant"),
  threshold_schedule: z
    .enum(["cubic", "linear", "constant"])
    .default("cubic")
    .describe("the way from τ0 to τ1; constant: τ1 from the start"),
  linear_min_parameters: share.default(0).describe("share of a matrix' scores that stays open"),
  bias_mask: flag.default(true).describe("close a bias with its row"),
  distil_alpha_ce: z.number().default(0.1).describe("accepted and without effect, as in the original"),
  distil_alpha_teacher: z.number().default(0.9).describe("accepted and without effect, as in the original"),
  layer_norm_patch_steps: count.default(50_000).describe("accepted and without effect, as in the original"),
  gelu_patch_steps: count.default(50_000).describe("accepted and without effect, as in the original"),
});

const newsCommentary = "http://data.statmt.org/news-commentary/v15/training-monolingual/news-commentary-v15.en.gz";
const wordLists = "https://raw.githubusercontent.com/kanekomasahiro/context-debias/main/data";
const DataModule = z.strictObject({
  batch_size: positive.default(128).describe("target sentences of a step, and attribute sentences"),
  validation_size: positive.default(1000).describe("sentences of each class set aside"),
  static_sentences: positive.nullable().default(null).describe("of each gender, for the static attributes; null: all"),
  original_cache: count
    .max(2e9)
    .default(1e9)
    .describe("bytes in which embeddings of the original model are kept, in memory and in data_dir"),
  token_budget: positive.default(1024).describe("tokens that go through the encoder at once, padding counted"),
  microbatch: positive
    .nullable()
    .default(null)
    .describe("most sentences that go through the encoder at once; null: as many as token_budget allows"),
  datafiles: z
    .strictObject({
      plaintext: text.default(newsCommentary).describe("corpus, a sentence a line, gzip or plain: URL or path"),
      attributes_female: text.default(`${wordLists}/female.txt`).describe("female words, one a line: URL or path"),
      attributes_male: text.default(`${wordLists}/male.txt`).describe("male words, one a line: URL or path"),
      targets_stereotypes: text
        .default(`${wordLists}/stereotype.txt`)
        .describe("stereotype words, one a line: URL or path"),
      SEAT6: text.default(publishedTests.SEAT6).describe("SEAT test 6 in the format of sent-bias: URL or path"),
      SEAT7: text.default(publishedTests.SEAT7).describe("SEAT test 7 in the format of sent-bias: URL or path"),
      SEAT8: text.default(publishedTests.SEAT8).describe("SEAT test 8 in the format of sent-bias: URL or path"),
      SEAT6b: text.default(publishedTests.SEAT6b).describe("SEAT test 6b in the format of sent-bias: URL or path"),
      SEAT7b: text.default(publishedTests.SEAT7b).describe("SEAT test 7b in the format of sent-bias: URL or path"),
      SEAT8b: text.default(publishedTests.SEAT8b).describe("SEAT test 8b in the format of sent-bias: URL or path"),
      WEAT6: text.default(publishedTests.WEAT6).describe("WEAT test 6 in the format of sent-bias: URL or path"),
      WEAT7: text.default(publishedTests.WEAT7).describe("WEAT test 7 in the format of sent-bias: URL or path"),
      WEAT8: text.default(publishedTests.WEAT8).describe("WEAT test 8 in the format of sent-bias: URL or path"),
      WEAT6b: text.default(publishedTests.WEAT6b).describe("WEAT test 6b in the format of sent-bias: URL or path"),
      WEAT7b: text.default(publishedTests.WEAT7b).describe("WEAT test 7b in the format of sent-bias: URL or path"),
      WEAT8b: text.default(publishedTests.WEAT8b).describe("WEAT test 8b in the format of sent-bias: URL or path"),
      stereoset: text.default(publishedTests.stereoset).describe("StereoSet's dev.json"),
      crows: text.default(publishedTests.crows).describe("CrowS-Pairs"),
      winobias_pro_type1: text
        .default(publishedTests.winobias_pro_type1)
        .describe("WinoBias, pro-stereotypical sentences of type 1: URL or path"),
      winobias_anti_type1: text
        .default(publishedTests.winobias_anti_type1)
        .describe("WinoBias, anti-stereotypical sentences of type 1: URL or path"),
      winobias_pro_type2: text
        .default(publishedTests.winobias_pro_type2)
        .describe("WinoBias, pro-stereotypical sentences of type 2: URL or path"),
      winobias_anti_type2: text
        .default(publishedTests.winobias_anti_type2)
        .describe("WinoBias, anti-stereotypical sentences of type 2: URL or path"),
    })
    .prefault({}),
  seat_data: z
    .record(text, text)
    .default({
      SEAT6: "${datamodule.datafiles.SEAT6}",
      SEAT7: "${datamodule.datafiles.SEAT7}",
      SEAT8: "${datamodule.datafiles.SEAT8}",
    })
    .describe("the bias tests: name and URL or path"),
  glue_data: text
    .default("nyu-mll/glue")
    .describe("a data set of the hub, or a folder with TASK/SPLIT.tsv or parquet files"),
  num_proc: count.default(0).describe("accepted and without effect"),
  num_workers: count.default(0).describe("accepted and without effect"),
});

const limit = z.union([positive, z.null()]).default(null);

const mostDevices = 64;

const Trainer = z.strictObject({
  max_epochs: positive.default(5).describe("passes over the longer of the two streams of sentences"),
  min_epochs: positive.default(1).describe("accepted and without effect"),
  max_steps: limit.describe("stop after so many steps"),
  limit_train_batches: limit.describe("batches of an epoch"),
  limit_val_sentences: limit.describe("validation sentences of each class"),
  val_check_interval: share
    .gt(0)
    .refine((part) => Math.abs(1 / part - Math.round(1 / part)) < 0.01, "expected 1, 0.5, 0.25 or another 1/n")
    .default(0.5)
    .describe("share of an epoch between validations, 1/n"),
  checkpoint_every: positive.default(100).describe("steps between checkpoints, which `--resume` goes on from"),
  keep_checkpoints: positive
    .default(2)
    .describe("how many of them stay while a run goes on; in the end the last one does"),
  gradient_clip_val: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("largest norm of all gradients; null: any"),
  early_stop_patience: limit.describe("stop after so many validations without a lower loss at the final threshold"),
  best_checkpoint: flag.default(false).describe("end with the validation of the lowest loss, not with the last step"),
  fast_dev_run: flag.default(false).describe("the same as `debug`"),
  gpus: count.max(mostDevices).default(0).describe("so many GPUs or an error; 0: as `backend` says"),
  devices: positive
    .max(mostDevices)
    .nullable()
    .default(null)
    .describe(
      "debias on so many at once: GPUs, or on the processor shares of its threads; null: `trainer.gpus`, or two halves of the processor",
    ),
  precision: z
    .union([z.literal(32), z.literal(16)])
    .default(32)
    .describe("16: operands of matrix products in half precision, which processors have not"),
});

const Glue = z.strictObject({
  learning_rate: z.number().positive().default(2e-5).describe("the highest, which falls to 0"),
  epochs: positive.default(3).describe("passes over the examples"),
  batch_size: positive.default(32).describe("examples of a step"),
  seed: count.default(42).describe("of the head's first weights, the order of examples, and dropout"),
  max_length: positive.default(128).describe("tokens of an example, special ones counted"),
  limit_train: limit.describe("training examples"),
  limit_validation: limit.describe("examples of a validation split, and of a test split"),
  order: z
    .enum(["random", "length"])
    .default("random")
    .describe("length: examples of like length in a batch, so that less is padding"),
  warmup_steps: count.default(0).describe("steps in which the learning rate rises from 0"),
  weight_decay: z.number().nonnegative().default(0).describe("of weights but biases and LayerNorms"),
  max_gradient_norm: z.number().positive().nullable().default(1).describe("null: gradients are not clipped"),
  optimizer: z.enum(["transformers", "torch"]).default("transformers").describe("whose AdamW"),
  adam_eps: z.number().positive().default(1e-8).describe("of AdamW"),
  dropout: z.number().min(0).max(0.99).nullable().default(null).describe("null: the model's own"),
  keep: z.enum(["last", "best"]).default("last").describe("the epoch that counts; best: on the validation split"),
  freeze_encoder: flag.default(false).describe("train a fresh head alone"),
  token_budget: positive.default(2048).describe("tokens that go through the encoder at once, padding counted"),
  predict_test: flag.default(false).describe("predict test splits, in the benchmark's format too"),
});

/** A small masked language model on a made-up corpus, for the demo. */
const Pretrain = z.strictObject({
  sentences: positive.default(10_000).describe("lines of the corpus"),
  skew: z.number().min(0.5).max(1).default(0.9).describe("how strongly topics are tied to gender; .5: not at all"),
  hidden_size: positive.default(128).describe("width of a hidden state"),
  num_hidden_layers: positive.default(4).describe("layers"),
  num_attention_heads: positive.default(4).describe("heads of a layer"),
  intermediate_size: positive.default(512).describe("neurons of a feed-forward network"),
  initializer_range: z.number().positive().default(0.08).describe("standard deviation of the first weights"),
  steps: positive.default(600).describe("steps of masked language modelling"),
  batch_size: positive.default(64).describe("sentences of a step"),
  learning_rate: z.number().positive().default(1e-3).describe("the highest, which falls to 0 in the second half"),
  seed: count.default(42).describe("of the corpus, the first weights, and what is hidden"),
});

/** Methods that reviewers ask for beside pruning. */
export const Alternative = z.strictObject({
  method: z
    .enum(["inlp", "sentence_debias", "cda", "dropout"])
    .default("inlp")
    .describe("projections of the last hidden state, or training of the masked language model"),
  embedding: z
    .enum(["cls", "mean"])
    .default("cls")
    .describe(
      "of projections: what of a sentence they are found on; cls: what the bias tests read; mean: as bias-bench",
    ),
  sentences: positive.default(10_000).describe("of projections: sentences of each gender"),
  iterations: positive.default(80).describe("of inlp: the most classifiers"),
  components: positive.default(1).describe("of sentence_debias: principal components that are taken out"),
  steps: positive.default(2000).describe("of cda and dropout"),
  batch_size: positive.default(32).describe("of cda and dropout: sentences of a step"),
  learning_rate: z.number().positive().default(5e-5).describe("of cda and dropout"),
  masking_probability: share.gt(0).default(0.15).describe("of cda and dropout: tokens that are predicted"),
  hidden_dropout: share.max(0.99).default(0.2).describe("of dropout"),
  attention_dropout: share.max(0.99).default(0.15).describe("of dropout"),
});
export type Alternative = z.infer<typeof Alternative>;

/** Every setting of a run, under the reference's names. */
export const Config = z.strictObject({
  experiment: text.default("debias").describe("the preset"),
  exp_name: text
    .default("${model.model_name}/${model.embedding_layer}-layer/${model.debias_mode}-debias")
    .describe("a name for people; nothing is computed from it"),
  seed: count.default(42).describe("of splits, batches, dropout and drawn scores"),
  debug: flag.default(false).describe("one batch of everything, whatever limits, epochs and steps are set"),
  compat: z
    .enum(["default", "reference"])
    .default("default")
    .describe("compute as the original's code where that differs"),
  data_dir: text.default("runs/data").describe("cache of downloads and tokens"),
  prune_block_size: blockSize.default(32).describe("side of a square block, or `head`"),
  glue: text.default("cola").describe("the task of glue_then_debias"),
  backend: z.enum(backends).default("auto").describe("what computes; auto: a GPU where there is one, else onnx-cpu"),
  threads: positive.nullable().default(null).describe("threads of an operator; null: the physical cores"),
  model: Model.prefault({}),
  pruning: Pruning.nullable().default(null).describe("what is pruned; null: nothing, weights train"),
  alternative: Alternative.nullable()
    .default(null)
    .describe("another method of debiasing, in place of the debiasing loss; null: none"),
  datamodule: DataModule.prefault({}),
  trainer: Trainer.prefault({}),
  finetune: Glue.prefault({}).describe("fine-tuning on GLUE"),
  pretrain: Pretrain.nullable().default(null).describe("makes the model first; null: it exists"),
  pretrain_dir: text.default("runs/pretrained").describe("where pretrain puts model and data"),
});

/** Checked settings of a run, with defaults filled in. */
export type Config = z.infer<typeof Config>;
