/** Settings of the original that steer its tools and not what it computes: taken, and left out of the configuration. */
const ignored = [
  ...["work_dir", "print_config", "ignore_warnings", "test_after_training", "logger", "callbacks", "model.is_glue"],
  ...["accelerator", "weights_summary", "progress_bar_refresh_rate", "num_sanity_val_steps"].map(
    (key) => `trainer.${key}`,
  ),
  "trainer.reload_dataloaders_every_n_epochs",
];

export const isIgnored = (key: string): boolean =>
  ignored.some((known) => key === known || key.startsWith(`${known}.`)) || /^hydra(\.|$)/.test(key);
