import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initWeights, maskedLmLogits, parseConfig } from "@pruning-bias/model";
import { eager, generator, jit, ndarray, type tf } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { project, type Projection, readProjection, withProjectedHead, writeProjection } from "./index.ts";

const config = parseConfig({
  ...{ model_type: "bert", architectures: ["BertForMaskedLM"], vocab_size: 20, max_position_embeddings: 8 },
  ...{ hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32 },
});
const checkpoint = { config, weights: initWeights(config, { seed: 1, std: 0.2, head: "masked-lm" }) };
const random = generator(2);
const rows = ndarray(
  Float32Array.from({ length: 5 * 16 }, () => random.uniform() - 0.5),
  [5, 16],
);
const half = Float64Array.from({ length: 16 }, (_, d) => (d < 4 ? 0.5 : 0));
const other = Float64Array.from({ length: 16 }, (_, d) => (d === 9 ? -1 : 0));
const projection: Projection = { directions: [half, other] };

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("a projection in the head, %s", (_, jit) => {
  it("predicts from hidden states as they are what the head predicts from projected ones", async () => {
    type Inputs = { weights: Record<string, tf.Tensor>; rows: tf.Tensor2D };
    const logits = jit(({ weights, rows }: Inputs) => maskedLmLogits(config, weights, rows));
    const inHead = await logits({ weights: withProjectedHead(checkpoint, projection).weights, rows });
    const { weights } = checkpoint;
    const before = await logits({ weights, rows: project(projection, rows) });
    const plain = await logits({ weights, rows });
    inHead.data.forEach((value, n) => expect(value).toBeCloseTo(before.data[n]!, 5));
    expect(Math.max(...inHead.data.map((value, n) => Math.abs(value - plain.data[n]!)))).toBeGreaterThan(0.01);
    await logits.dispose();
  });
});

it("a model without that head is refused", () => {
  const bare = { config, weights: initWeights(config, { seed: 1 }), dir: "folder" };
  expect(() => withProjectedHead(bare, projection)).toThrow("folder: expected a masked-language-model head");
  const narrow = { directions: [Float64Array.of(1, 0)] };
  expect(() => withProjectedHead(checkpoint, narrow)).toThrow("withProjectedHead: expected directions 16 wide, got 2");
});

it("a projection's file gives it back, and is refused for another width", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "projection-")), "projection.safetensors");
  await writeProjection(path, projection, 16);
  expect(await readProjection(path, 16)).toEqual(projection);
  await expect(writeProjection(path, projection, 8)).rejects.toThrow(`${path}: expected directions 8 wide, got 16`);
  await expect(readProjection(path, 8)).rejects.toThrow(
    `${path}: expected projection.directions F64 [k,8], got F64 [2,16]`,
  );
});
