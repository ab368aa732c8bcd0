import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadTokenizer, writeDemo } from "@pruning-bias/data";
import { initWeights, parseConfig, saveCheckpoint } from "@pruning-bias/model";

export const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), "pruning-bias-"));

/** A folder with the demo's data and a random model of two layers, and the overrides that make a run of it. */
export async function smallModel(): Promise<{ dir: string; model: string; overrides: string[] }> {
  const dir = await temporary();
  const files = await writeDemo(join(dir, "data"), { seed: 1, sentences: 400 });
  const { vocabularySize, pad } = await loadTokenizer(files.tokenizer);
  const config = parseConfig({
    ...{ model_type: "bert", architectures: ["BertForMaskedLM"], vocab_size: vocabularySize, pad_token_id: pad },
    ...{ hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64 },
    ...{ max_position_embeddings: 64, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
  });
  const model = join(dir, "model");
  const weights = initWeights(config, { seed: 1, std: 0.2, head: "masked-lm" });
  await saveCheckpoint(model, { config, weights }, { tokenizerFrom: files.tokenizer });
  const overrides = [
    "experiment=debias_block_pruning_frozen",
    "prune_block_size=8",
    "model.debias_mode=token",
    `model.model_name=${model}`,
    `data_dir=${join(dir, "cache")}`,
    `datamodule.datafiles.plaintext=${files.corpus}`,
    `datamodule.datafiles.attributes_female=${files.words.female}`,
    `datamodule.datafiles.attributes_male=${files.words.male}`,
    `datamodule.datafiles.targets_stereotypes=${files.words.stereotype}`,
    ...["SEAT6", "SEAT7", "SEAT8"].map((name, i) => `datamodule.datafiles.${name}=${files.seat[i]}`),
    ...["datamodule.batch_size=8", "datamodule.validation_size=20", "trainer.max_epochs=1", "trainer.max_steps=3"],
    ...["trainer.limit_train_batches=3", `datamodule.glue_data=${files.glue}`],
  ];
  return { dir, model, overrides };
}
