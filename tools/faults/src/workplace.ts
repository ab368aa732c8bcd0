import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadTokenizer, writeDemo } from "@pruning-bias/data";
import { initWeights, parseConfig, saveCheckpoint } from "@pruning-bias/model";

/** A copy of the workspace to break things in, with a small model and the demo's data. */
export interface Workplace {
  readonly root: string;
  /** The command line's script. */
  readonly main: string;
  readonly model: string;
  /** Settings of a run that takes seconds. */
  readonly overrides: readonly string[];
}

/** The workspace that this tool is part of. */
export const source: string = resolve(import.meta.dirname, "../../..");
const parts = ["packages", "tools", "nx.json", "package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml", ".gitignore"];

/** Makes it below `dir`, where it is not there: paths stand in what runs leave, so that a campaign keeps to one folder. */
export async function workplace(dir: string): Promise<Workplace> {
  const root = join(dir, "workspace");
  const given = join(root, "given");
  const model = join(given, "model");
  if (!existsSync(join(model, "config.json"))) {
    rmSync(root, { recursive: true, force: true });
    copyWorkspace(root);
    await makeModel(given, model);
  }
  const data = join(given, "data");
  const file = (...path: string[]) => join(data, ...path);
  const overrides = [
    ...["experiment=debias_block_pruning_unfrozen", "prune_block_size=8", "model.debias_mode=token"],
    ...[`model.model_name=${model}`, "data_dir=runs/data", `datamodule.glue_data=${file("glue")}`],
    `datamodule.datafiles.plaintext=${file("corpus.txt")}`,
    `datamodule.datafiles.attributes_female=${file("words/female.txt")}`,
    `datamodule.datafiles.attributes_male=${file("words/male.txt")}`,
    `datamodule.datafiles.targets_stereotypes=${file("words/stereotype.txt")}`,
    ...["career-family", "science-arts", "jobs"].map(
      (name, i) => `datamodule.datafiles.SEAT${6 + i}=${file(`seat/demo-${name}.jsonl`)}`,
    ),
    ...["datamodule.batch_size=8", "datamodule.validation_size=20", "trainer.max_epochs=2"],
    ...["trainer.limit_train_batches=6", "trainer.checkpoint_every=2", "trainer.limit_val_sentences=20"],
    ...["finetune.limit_train=96", "finetune.batch_size=16", "finetune.epochs=1", "finetune.learning_rate=1e-3"],
  ];
  return { root, main: join(root, "packages/cli/src/main.ts"), model, overrides };
}

function copyWorkspace(root: string): void {
  mkdirSync(join(root, "experiments"), { recursive: true });
  for (const part of parts) {
    cpSync(join(source, part), join(root, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !/\/(golden|dist)(\/|$)/.test(path.slice(source.length)),
    });
  }
  symlinkSync(join(source, "node_modules"), join(root, "node_modules"));
}

async function makeModel(given: string, model: string): Promise<void> {
  const files = await writeDemo(join(given, "data"), { seed: 1, sentences: 2000 });
  const { vocabularySize, pad } = await loadTokenizer(files.tokenizer);
  const config = parseConfig({
    ...{ model_type: "bert", architectures: ["BertForMaskedLM"], vocab_size: vocabularySize, pad_token_id: pad },
    ...{ hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64 },
    ...{ max_position_embeddings: 64, hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1 },
  });
  const weights = initWeights(config, { seed: 1, std: 0.2, head: "masked-lm" });
  await saveCheckpoint(model, { config, weights }, { tokenizerFrom: files.tokenizer });
}

/** Settings with others in their place, or behind them where there is none to take the place of. */
export function withSettings(overrides: readonly string[], changes: Readonly<Record<string, string>>): string[] {
  const keyOf = (word: string) => word.slice(0, word.indexOf("="));
  const kept = overrides.map((word) => (keyOf(word) in changes ? `${keyOf(word)}=${changes[keyOf(word)]}` : word));
  const there = new Set(overrides.map(keyOf));
  const added = Object.entries(changes).filter(([key]) => !there.has(key));
  return [...kept, ...added.map(([key, value]) => `${key}=${value}`)];
}
