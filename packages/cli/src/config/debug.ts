import { isSettings, type Settings, valueAt } from "./paths.ts";

/**
 * The settings of a run that only tries whether everything works, by path: one batch of everything. They take the place of those
 * that were set, so that tasks, their hashes and their costs need to know of nothing else.
 */
export function debugSettings(settings: Settings): Readonly<Record<string, unknown>> {
  const [batch, examples] = ["${datamodule.batch_size}", "${finetune.batch_size}"];
  const classifier = valueAt(settings, "model.hf_checkpoint");
  return {
    "datamodule.static_sentences": batch,
    "trainer.max_epochs": 1,
    "trainer.limit_train_batches": 1,
    "trainer.limit_val_sentences": batch,
    "finetune.epochs": 1,
    "finetune.limit_train": examples,
    "finetune.limit_validation": examples,
    // Nobody is to take it for one that was fine-tuned as these settings say otherwise.
    ...(isMade(classifier) && { "model.hf_checkpoint": `${classifier}-debug` }),
    ...(isSettings(settings["pretrain"]) && { "pretrain.steps": 1 }),
    ...(isSettings(settings["alternative"]) && {
      "alternative.steps": 1,
      "alternative.iterations": 1,
      "alternative.sentences": batch,
    }),
  };
}

/** Whether a checkpoint is a classifier that is made first, and not for a run like this. */
const isMade = (checkpoint: unknown): checkpoint is string =>
  typeof checkpoint === "string" &&
  checkpoint.startsWith("runs/classifiers/") &&
  !/-debug(-[0-9a-f]{8})?$/.test(checkpoint);
