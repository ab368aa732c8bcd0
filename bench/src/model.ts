import { type BertConfig, type Checkpoint, initWeights, loadCheckpoint, parseConfig } from "@pruning-bias/model";

/** A model from a folder, or `bert-base` with random weights. */
export async function load(model: string): Promise<Checkpoint> {
  if (model !== "bert-base") return loadCheckpoint(model);
  const config = parseConfig({
    ...{ model_type: "bert", vocab_size: 30_522, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12 },
    ...{ intermediate_size: 3072, max_position_embeddings: 512 },
  });
  return { config, weights: initWeights(config, { seed: 1, head: "none" }) };
}

/** Attention blocks: `32x32`, or `heads` for whole ones. */
export function blockOf(block: string, { hidden_size, num_attention_heads }: BertConfig) {
  const [rows, columns] =
    block === "heads" ? [hidden_size / num_attention_heads, hidden_size] : block.split("x").map(Number);
  return { attention_block_rows: rows, attention_block_cols: columns };
}
