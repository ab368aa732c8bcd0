import type { Preset } from "./preset.ts";

const data = "${pretrain_dir}/data";

export const demo: Preset = {
  about: "a small BERT trained on a made-up corpus with a known skew, then pruned: no network, minutes on two cores",
  settings: {
    exp_name: "demo/${model.debias_loss_form}",
    pretrain: {},
    model: {
      model_name: "${pretrain_dir}/model",
      embedding_layer: "last",
      debias_mode: "token",
      debias_loss_form: "direction",
      freeze_weights: true,
    },
    prune_block_size: "head",
    pruning: {
      attention_block_rows: "${prune_block_size}" as never,
      attention_block_cols: "${prune_block_size}" as never,
      mask_scores_learning_rate: 0.05,
    },
    datamodule: {
      batch_size: 32,
      validation_size: 200,
      static_sentences: 300,
      datafiles: {
        plaintext: `${data}/corpus.txt`,
        attributes_female: `${data}/words/female.txt`,
        attributes_male: `${data}/words/male.txt`,
        targets_stereotypes: `${data}/words/stereotype.txt`,
      },
      seat_data: {
        "career-family": `${data}/seat/demo-career-family.jsonl`,
        "science-arts": `${data}/seat/demo-science-arts.jsonl`,
        jobs: `${data}/seat/demo-jobs.jsonl`,
      },
      glue_data: `${data}/glue`,
    },
    trainer: { max_epochs: 2, limit_train_batches: 60, limit_val_sentences: 100 },
    finetune: { learning_rate: 5e-4, epochs: 1 },
  },
};
