import type { Preset } from "./preset.ts";

// The reference trains with λ = 1 throughout, though it computes a schedule for it (docs/explanation.md).
const constantLambda = { regularization_final_lambda: 1, lambda_schedule: "constant" } as const;
const wholeHeads = { attention_block_rows: "head", attention_block_cols: "head", ...constantLambda } as const;
const blocks = {
  attention_block_rows: "${prune_block_size}" as never,
  attention_block_cols: "${prune_block_size}" as never,
  ...constantLambda,
};
const bert = { model_name: "bert-base-uncased" };
const frozen = { ...bert, freeze_weights: true };
const names = "${model.model_name}/${model.embedding_layer}-layer/${model.debias_mode}-debias";

export const debias: Preset = {
  about: "no pruning: all weights train on the debiasing loss",
  settings: { model: { model_name: "distilbert-base-uncased" } },
};

export const debias_block_pruning_frozen: Preset = {
  about: "square blocks of frozen weights",
  settings: {
    exp_name: `pruned/B\${prune_block_size}/${names}`,
    model: frozen,
    pruning: blocks,
    trainer: { max_epochs: 100 },
  },
};

export const debias_block_pruning_unfrozen: Preset = {
  about: "square blocks, weights train too",
  settings: {
    exp_name: `pruned/B\${prune_block_size}/unfrozen/${names}`,
    model: bert,
    pruning: blocks,
    trainer: { max_epochs: 100 },
  },
};

export const debias_head_pruning_frozen: Preset = {
  about: "whole heads (64×768 in BERT-base) and neurons of frozen weights",
  settings: {
    exp_name: `pruned/heads/${names}`,
    model: frozen,
    pruning: wholeHeads,
    trainer: { max_epochs: 100 },
  },
};

export const debias_head_pruning_frozen_values_only: Preset = {
  about: "whole heads, by their values alone",
  settings: {
    exp_name: `pruned/heads/V-only_no-fc/${names}`,
    model: { ...frozen, prune_values_only: true, prune_attention_only: true },
    pruning: wholeHeads,
    trainer: { max_epochs: 100 },
  },
};

export const debias_head_pruning_frozen_att_only: Preset = {
  about: "whole heads, attention alone, one score for query, key and value",
  settings: {
    exp_name: `pruned/heads/att-only-shared/${names}`,
    model: { ...frozen, share_pruning_scores: true, prune_attention_only: true },
    pruning: wholeHeads,
    trainer: { max_epochs: 100 },
  },
};

export const debias_head_pruning_frozen_shared: Preset = {
  about: "whole heads and neurons, one score for query, key and value",
  settings: {
    exp_name: `pruned/heads-shared/T\${pruning.final_threshold}/l1-reg50/${names}`,
    model: { ...frozen, share_pruning_scores: true },
    // λ = 50 was set and, for want of its being applied, 1 was trained with.
    pruning: { ...wholeHeads, final_threshold: 0.01, regularization_final_lambda: 50, lambda_schedule: "threshold" },
    trainer: { max_epochs: 20 },
  },
};

export const debias_head_pruning_frozen_threshold: Preset = {
  about: "whole heads and neurons at half the threshold",
  settings: {
    exp_name: `pruned/heads/T\${pruning.final_threshold}/${names}`,
    model: frozen,
    pruning: { ...wholeHeads, final_threshold: 0.05 },
    trainer: { max_epochs: 20 },
  },
};

export const debias_head_pruning_mask_lr: Preset = {
  about: "whole heads and neurons at a tenth of the scores' learning rate",
  settings: {
    exp_name: `pruned/heads/mask-lr\${pruning.mask_scores_learning_rate}/${names}`,
    model: frozen,
    pruning: { ...wholeHeads, mask_scores_learning_rate: 1e-3 },
    trainer: { max_epochs: 20 },
  },
};

export const debias_with_pruning: Preset = {
  about: "weights and scores train together",
  settings: {
    exp_name: `pruned-${names}`,
    model: bert,
    pruning: constantLambda,
    datamodule: { batch_size: 32 },
  },
};

export const glue_then_debias: Preset = {
  about: "a classifier that was fine-tuned on a GLUE task: its encoder is debiased, its head kept",
  settings: {
    exp_name: `glue-then-debs/\${glue}/${names}`,
    model: { ...bert, hf_checkpoint: "runs/classifiers/${model.model_name}/${glue}-${finetune.seed}" },
    trainer: { max_epochs: 3 },
  },
};

export const sensitive_seat: Preset = {
  about: "how much SEAT depends on the seed: seed=17,18,19,20,42",
  settings: {
    exp_name: `sens-seat/\${seed}/${names}`,
    model: { ...bert, embedding_layer: "last", debias_mode: "sentence" },
    trainer: { max_epochs: 10 },
  },
};
