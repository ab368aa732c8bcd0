import type { Config } from "./schema.ts";

/** What a GLUE run reads of the settings, beside what made its model; stands in its result. */
export const glueSettings = ({ finetune, datamodule }: Config, seed = finetune.seed) => ({
  ...{ ...finetune, seed },
  glue_data: datamodule.glue_data,
});
