import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AutoModel, env, Tensor } from "@huggingface/transformers";
import { families, type FamilyName, initWeights, parseConfig, saveCheckpoint } from "@pruning-bias/model";
import { fromNnPruning, initialScores, prunedCheckpoint, scoreLayout } from "@pruning-bias/pruning";
import { generator } from "@pruning-bias/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { difference } from "./fixtures.ts";

env.allowRemoteModels = false;
env.useFSCache = false;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "compact-onnx-"));
  env.localModelPath = root;
});
afterAll(() => rm(root, { recursive: true }));

const bert = { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 24 };
const distilbert = { dim: 16, n_layers: 2, n_heads: 4, hidden_dim: 24 };

test.each(Object.keys(families) as FamilyName[])("transformers.js runs a compact %s at any size", async (family) => {
  const sizes = family === "distilbert" ? distilbert : bert;
  const config = parseConfig({ model_type: family, vocab_size: 50, max_position_embeddings: 24, ...sizes });
  const weights = initWeights(config, { seed: 1, std: 0.3 });
  const layout = scoreLayout(config, fromNnPruning({ attention_block_rows: 4, attention_block_cols: 16 }));
  const scores = initialScores(layout);
  const { uniform } = generator(4);
  for (const { data } of Object.values(scores)) for (const i of data.keys()) data[i] = uniform() < 0.3 ? -5 : 1;

  const outputs: { last_hidden_state: { data: Float32Array } }[][] = [];
  for (const form of ["dense", "compact"] as const) {
    const { checkpoint } = await prunedCheckpoint({ config, weights }, { layout, scores, threshold: 0.1 }, form);
    await saveCheckpoint(join(root, `${family}-${form}`), checkpoint, { onnx: true });
    const model = await AutoModel.from_pretrained(`${family}-${form}`, { dtype: "fp32", local_files_only: true });
    outputs.push(await Promise.all([feeds(1, 1), feeds(3, 9), feeds(2, 20)].map((batch) => model(batch))));
  }
  for (const [at, { last_hidden_state: dense }] of outputs[0]!.entries()) {
    expect(difference(outputs[1]![at]!.last_hidden_state.data, dense.data)).toBeLessThan(1e-5);
  }

  function feeds(B: number, S: number) {
    const int64 = (value: (i: number) => number) =>
      new Tensor(
        "int64",
        BigInt64Array.from({ length: B * S }, (_, i) => BigInt(value(i))),
        [B, S],
      );
    // The second sentence of three is shorter than the others.
    const mask = int64((i) => Number(Math.floor(i / S) !== 1 || i % S < S - 3));
    const ids = int64((i) => 2 + ((i * 37) % 48));
    const segments = families[family].segments && config.type_vocab_size > 1;
    return { input_ids: ids, attention_mask: mask, ...(segments && { token_type_ids: int64(() => 0) }) };
  }
});
