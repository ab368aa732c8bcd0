import { digest } from "../config/compose.ts";
import { Config } from "../config/schema.ts";

/** The settings that decide what data a run reads: runs that share them share its preparation. */
export const dataSettings = ({ datamodule, model, data_dir, pretrain, pretrain_dir }: Config) => ({
  ...{ data_dir, pretrain, pretrain_dir },
  datamodule: { datafiles: datamodule.datafiles, seat_data: datamodule.seat_data },
  model: { model_name: model.model_name, hf_checkpoint: model.hf_checkpoint },
});

/** The Nx project that prepares a run's data; its results are in `runs/` under the same name. */
export const dataProject = (config: Config): string => `inputs/${digest(dataSettings(config))}`;

/** A classifier that is fine-tuned before its encoder is debiased (`glue_then_debias`). */
export interface Classifier {
  /** Where it is saved, and what its Nx project is called. */
  readonly root: string;
  readonly name: string;
  readonly task: string;
}

/** The classifier that a run starts from, where it is made for it: one below `runs/classifiers`. */
export function classifierOf({ model: { hf_checkpoint: root }, glue: task }: Config): Classifier | undefined {
  return root?.startsWith("runs/classifiers/") ? { root, name: root.slice("runs/".length), task } : undefined;
}

/** The settings that decide such a classifier. */
export const classifierSettings = ({ model, datamodule, finetune, glue, ...config }: Config) => ({
  ...{ model: { model_name: model.model_name }, datamodule: { glue_data: datamodule.glue_data }, finetune, glue },
  ...{ data_dir: config.data_dir, backend: config.backend, threads: config.threads },
  ...{ pretrain: config.pretrain, pretrain_dir: config.pretrain_dir },
});

/** The settings that training and bias tests read: GLUE's are for its tasks alone. */
export const trainSettings = (config: Config) => ({
  ...without(config, "finetune"),
  datamodule: without(config.datamodule, "glue_data"),
});

/** The settings that matter to a model before it is trained: the untouched model stays done when the grid changes. */
export function untouchedSettings({ model, trainer, ...config }: Config): Config {
  const { model_name, hf_checkpoint } = model;
  const { gpus, precision } = trainer;
  const { datafiles, seat_data, glue_data } = config.datamodule;
  const { finetune, glue, pretrain, pretrain_dir, data_dir, backend, threads, seed } = config;
  const shared = { finetune, glue, pretrain, pretrain_dir, data_dir, backend, threads, seed };
  const datamodule = { datafiles, seat_data, glue_data };
  return Config.parse({ ...shared, datamodule, model: { model_name, hf_checkpoint }, trainer: { gpus, precision } });
}

const without = <T extends object, K extends keyof T & string>(settings: T, key: K): Omit<T, K> =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => name !== key)) as Omit<T, K>;
