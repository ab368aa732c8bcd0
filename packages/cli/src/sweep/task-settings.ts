import { digest } from "../config/compose.ts";
import type { Config } from "../config/schema.ts";

/** The settings that decide what data a run reads: runs that share them share its preparation. */
export const dataSettings = ({ datamodule, model, data_dir, pretrain, pretrain_dir }: Config) => ({
  ...{ data_dir, pretrain, pretrain_dir },
  datamodule: { datafiles: datamodule.datafiles, seat_data: datamodule.seat_data },
  model: { model_name: model.model_name, hf_checkpoint: model.hf_checkpoint },
});

/** The Nx project that prepares a run's data; its results are in `runs/` under the same name. */
export const dataProject = (config: Config): string => `inputs/${digest(dataSettings(config))}`;

/** The settings that training and bias tests read: GLUE's are for its tasks alone. */
export const trainSettings = ({ finetune: _, datamodule: { glue_data: __, ...datamodule }, ...config }: Config) => ({
  ...config,
  datamodule,
});
