/** A command line, and what it does. */
export type Example = readonly [line: string, what: string];

/** What `COMMAND --help` ends with; a test runs them. */
export const examples: Readonly<Record<string, readonly Example[]>> = {
  sweep: [
    ["sweep", "the demo: a small model on a made-up corpus, in four ways"],
    [
      "sweep experiment=debias_head_pruning_frozen seed=1,2,3 --dry-run",
      "three points, and what they cost, without running them",
    ],
    ["sweep experiment=debias_block_pruning_frozen prune_block_size=32,64 --glue cola,rte", "a grid of two, with GLUE"],
    ["sweep name=demo --parallel 2", "a sweep of experiments/, two tasks at once"],
    [
      "sweep experiment=sensitive_seat seed=17,18,19,20,42 --launcher slurm slurm.partition=gpu slurm.gres=gpu:1",
      "on a cluster",
    ],
  ],
  config: [
    ["config experiment=debias_head_pruning_frozen_shared", "all settings of a preset, and what set each"],
    ["config --schema", "for editors"],
  ],
  data: [["data datamodule.datafiles.plaintext=corpus.txt.gz", "prepares a corpus of one's own"]],
  train: [
    ["train experiment=demo model.debias_loss_form=direction --out runs/mine", "one point"],
    ["train experiment=debias debug=true", "one batch of everything"],
  ],
  bias: [
    ["bias --model bert-base-uncased", "SEAT of a model of the hub"],
    ["bias --model FOLDER --scores FOLDER/scores.safetensors", "of a model that is pruned"],
  ],
  report: [
    ["report demo", "draws runs/demo/report.html again"],
    ["report demo --watch", "again and again, while its points run"],
  ],
  completion: [["completion bash >> ~/.bashrc", "completes commands, settings and their values"]],
  doctor: [["doctor", "what computes here, how fast, and what to install for more"]],
};

export const examplesText = (command: string): string => {
  const own = examples[command];
  if (own === undefined) return "";
  return `\nExamples:\n${own.map(([line, what]) => `  pruning-bias ${line}\n      ${what}`).join("\n")}`;
};
