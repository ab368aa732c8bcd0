import type { AlternativeConfig } from "./alternative.ts";
import { compose } from "./compose.ts";
import { flatten, type Settings } from "./paths.ts";
import type { Config } from "./schema.ts";

/** Settings, and groups of them, that say which model and data, on what to compute, and what is measured afterwards. */
const shared = [
  ...["experiment", "exp_name", "seed", "debug", "data_dir", "backend", "threads", "finetune", "glue"],
  ...["pretrain", "pretrain_dir", "prune_block_size", "model.model_name", "model.hf_checkpoint"],
  ...["datafiles", "seat_data", "glue_data", "validation_size"].map((key) => `datamodule.${key}`),
  ...["fast_dev_run", "gpus", "precision"].map((key) => `trainer.${key}`),
  "alternative.method",
];
const own = (...keys: string[]) => keys.map((key) => `alternative.${key}`);
const found = own("embedding", "sentences");
const trained = [
  ...own("steps", "batch_size", "learning_rate", "masking_probability"),
  ...["max_steps", "checkpoint_every", "keep_checkpoints", "val_check_interval", "limit_val_sentences"].map(
    (key) => `trainer.${key}`,
  ),
];
const read = {
  inlp: [...found, ...own("iterations")],
  sentence_debias: [...found, ...own("components")],
  cda: trained,
  dropout: [...trained, ...own("hidden_dropout", "attention_dropout")],
};

/** Settings that differ from those of the preset, and that its method does not read. */
function unread(config: AlternativeConfig): string[] {
  const { debug, trainer } = config;
  const known = [...shared, ...read[config.alternative.method]];
  // One batch of everything has the size of debiasing's.
  if (debug || trainer.fast_dev_run) known.push("datamodule.batch_size");
  const isRead = (path: string) => known.some((key) => path === key || path.startsWith(`${key}.`));
  const preset = [`experiment=${config.experiment}`, `debug=${debug}`, `trainer.fast_dev_run=${trainer.fast_dev_run}`];
  const usual = new Map(flatten(compose(preset).config as unknown as Settings));
  return flatten(config as unknown as Settings).flatMap(([path, value]) =>
    isRead(path) || JSON.stringify(usual.get(path)) === JSON.stringify(value) ? [] : [path],
  );
}

/** What of a run's settings its method does not read, as a line; `undefined` where it reads all. */
export function unreadText(config: Config): string | undefined {
  if (config.alternative === null) return undefined;
  const idle = unread({ ...config, alternative: config.alternative });
  return idle.length === 0 ? undefined : `${config.alternative.method}: without effect on it: ${idle.join(", ")}`;
}
