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
