import { join } from "node:path";
import { describeGolden } from "@pruning-bias/oracle";
import { eager, jit, type NDArray, readSafetensors, tf, toFloat32, toInt32 } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { loadCheckpoint } from "./checkpoint.ts";
import type { BertConfig } from "./config.ts";
import { type Batch, encode } from "./encoder.ts";
import { maskedLmLogits, nextSentenceLogits, sequenceLogits } from "./heads.ts";
import type { Weights } from "./weights.ts";

type Head = (config: BertConfig, weights: Weights, last: tf.Tensor3D) => Record<string, tf.Tensor>;

const language = (config: BertConfig, weights: Weights, last: tf.Tensor3D): tf.Tensor => {
  const [B, S, D] = last.shape;
  return tf.reshape(maskedLmLogits(config, weights, tf.reshape(last, [B * S, D])), [B, S, config.vocab_size]);
};

const heads: Record<string, Head> = {
  "albert-classification": (...given) => ({ logits: sequenceLogits(...given) }),
  "electra-classification": (...given) => ({ logits: sequenceLogits(...given) }),
  "electra-relu": (...given) => ({ logits: language(...given) }),
  "albert-groups": (...given) => ({ prediction_logits: language(...given), sop_logits: nextSentenceLogits(...given) }),
};

for (const [name, head] of Object.entries(heads)) {
  describeGolden(`${name} as Hugging Face computes it`, `families/${name}`, (folder) => {
    describe.each([
      ["eager", eager],
      ["compiled", jit],
    ])("%s", (_, run) => {
      it("last hidden state and logits", async () => {
        const { tensors } = await readSafetensors(join(folder, "expected.safetensors"));
        const { config, weights } = await loadCheckpoint(folder);
        const batch = {
          inputIds: toInt32(tensors["input_ids"]!),
          attentionMask: toInt32(tensors["attention_mask"]!),
          tokenTypeIds: toInt32(tensors["token_type_ids"]!),
        };
        const computed = await run((given: { weights: Weights; batch: Batch }) => {
          const last = encode(config, given.weights, given.batch).at(-1)!;
          return { last_hidden_state: last, ...head(config, given.weights, last) };
        })({ weights, batch });
        for (const [output, actual] of Object.entries(computed)) {
          expect(difference(actual, toFloat32(tensors[output]!), batch.attentionMask)).toBeLessThan(1e-4);
        }
      });
    });
  });
}

/** Largest difference; of what has a row for each token, [batch, length, …], where the mask [batch, length] is 1. */
function difference(actual: NDArray, expected: NDArray, mask: NDArray): number {
  expect(actual.shape).toStrictEqual([...expected.shape]);
  const byToken = String(actual.shape.slice(0, 2)) === String(mask.shape);
  const width = actual.data.length / mask.data.length;
  const off = Array.from(actual.data, (value, i) =>
    byToken && mask.data[Math.floor(i / width)] === 0 ? 0 : Math.abs(value - expected.data[i]!),
  );
  return Math.max(...off);
}
