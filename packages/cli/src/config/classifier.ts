import type { Config } from "./schema.ts";

/** Where classifiers lie that are made before points run. */
const FOLDER = "runs/classifiers/";

/** A classifier that is fine-tuned before its encoder is debiased (`glue_then_debias`). */
export interface Classifier {
  /** Where it is saved, relative to the workspace. */
  readonly root: string;
  /** Of its Nx project. */
  readonly name: string;
  /** Which of GLUE's it is fine-tuned on. */
  readonly task: string;
}

/** The classifier that a run starts from, where it is made for it: one below `runs/classifiers`. */
export function classifierOf({ model: { hf_checkpoint: root }, glue: task }: Config): Classifier | undefined {
  return root?.startsWith(FOLDER) ? { root, name: root.slice("runs/".length), task } : undefined;
}

/** The settings that decide such a classifier. */
export const classifierSettings = ({ model, datamodule, finetune, glue, ...config }: Config) => ({
  ...{ model: { model_name: model.model_name }, datamodule: { glue_data: datamodule.glue_data }, finetune, glue },
  ...{ data_dir: config.data_dir, backend: config.backend, threads: config.threads },
  ...{ pretrain: config.pretrain, pretrain_dir: config.pretrain_dir },
});

/** The settings that decide a model that is made up. */
export const pretrainSettings = ({ pretrain, data_dir, backend }: Config) => ({ pretrain, data_dir, backend });
