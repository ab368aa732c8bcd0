import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AutoModel, env, pipeline, Tensor } from "@huggingface/transformers";
import { describeGolden } from "@pruning-bias/oracle";
import { jit, ndarray, type NDArray, readSafetensors, tf, toFloat32, toInt32 } from "@pruning-bias/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import { maxTokens } from "./config.ts";
import { type Batch, encode } from "./encoder.ts";
import { families, type FamilyName } from "./families.ts";
import { maskedLmLogits, sequenceLogits } from "./heads.ts";
import { withHead } from "./init.ts";
import type { Weights } from "./weights.ts";

const TOLERANCE = 1e-4;

env.allowRemoteModels = false;
env.useFSCache = false;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "onnx-"));
  env.localModelPath = root;
});
afterAll(() => rm(root, { recursive: true }));

for (const family of Object.keys(families) as FamilyName[]) {
  describeGolden(`${family} as transformers.js runs it`, `models/${family}`, (folder) => {
    const languageModel = join(folder, "masked-lm");
    // Its tokenizer lies in the first checkpoint.
    const tokenizerFrom = family === "electra" ? join(folder, "discriminator") : languageModel;
    const options = { dtype: "fp32", local_files_only: true } as const;
    const exported = async (name: string, checkpoint: Checkpoint): Promise<string> => {
      await saveCheckpoint(join(root, name), checkpoint, { tokenizerFrom, onnx: true });
      return name;
    };

    it("a masked language model at any size: last hidden state and logits, the original's and ours", async () => {
      const checkpoint = await loadCheckpoint(languageModel);
      const { config, weights } = checkpoint;
      const model = await AutoModel.from_pretrained(await exported(`${family}-lm`, checkpoint), options);
      const fixture = (await readSafetensors(join(folder, "forward.safetensors"))).tensors;
      const golden = {
        inputIds: toInt32(fixture["input_ids"]!),
        attentionMask: toInt32(fixture["attention_mask"]!),
        ...("token_type_ids" in fixture && { tokenTypeIds: toInt32(fixture["token_type_ids"]!) }),
      };
      const { last_hidden_state: last } = await model(feeds(golden));
      const layers = config.num_hidden_layers;
      const state = toFloat32(fixture[`masked-lm.hidden_states.${layers}`]!);
      expect(difference(last, state, golden.attentionMask)).toBeLessThan(TOLERANCE);

      const ours = jit((given: { weights: Weights; batch: Batch }) => {
        const last = encode(config, given.weights, given.batch).at(-1)!;
        const [B, S, D] = last.shape;
        const logits = maskedLmLogits(config, given.weights, tf.reshape(last, [B * S, D]));
        return { last_hidden_state: last, logits: tf.reshape(logits, [B, S, config.vocab_size]) };
      });
      for (const [B, S] of [
        [1, 1],
        [1, 9],
        [5, 3],
        [2, maxTokens(config)],
      ] as const) {
        // prettier-ignore
        const batch = randomBatch(B, S, config.vocab_size);
        const [theirs, expected] = [await model(feeds(batch)), await ours({ weights, batch })];
        for (const name of ["last_hidden_state", "logits"] as const) {
          expect(difference(theirs[name], expected[name], batch.attentionMask)).toBeLessThan(TOLERANCE);
        }
      }
      await Promise.all([model.dispose(), ours.dispose()]);
    });

    it("pipelines: features and masked words", async () => {
      const checkpoint = await loadCheckpoint(languageModel);
      const { config, weights } = checkpoint;
      const name = await exported(`${family}-pipelines`, checkpoint);
      const features = await pipeline("feature-extraction", name, options);
      const text = "The nurse said that she was tired.";
      const ids = features.tokenizer(text).input_ids as Tensor;
      const batch = {
        inputIds: ndarray(Int32Array.from(ids.data as BigInt64Array, Number), ids.dims),
        attentionMask: ndarray(new Int32Array(ids.size).fill(1), ids.dims),
      };
      const last = await jit((given: { weights: Weights; batch: Batch }) =>
        encode(config, given.weights, given.batch).at(-1)!,
      )({ weights, batch });
      expect(difference(await features(text), last)).toBeLessThan(TOLERANCE);
      await features.dispose();

      const fill = await pipeline("fill-mask", name, options);
      const { mask_token, mask_token_id } = fill.tokenizer;
      const masked = `The nurse said that ${mask_token} was tired.`;
      const hidden = fill.tokenizer(masked).input_ids as Tensor;
      const inputIds = Int32Array.from(hidden.data as BigInt64Array, Number);
      const probabilities = await jit((given: { weights: Weights; batch: Batch }) => {
        const last = encode(config, given.weights, given.batch).at(-1)!;
        const row = tf.slice(tf.reshape(last, [inputIds.length, config.hidden_size]), [inputIds.indexOf(mask_token_id!), 0], [1, config.hidden_size]); // prettier-ignore
        return tf.softmax(maskedLmLogits(config, given.weights, row as tf.Tensor2D));
      })({
        weights,
        batch: {
          inputIds: ndarray(inputIds, hidden.dims),
          attentionMask: ndarray(new Int32Array(hidden.size).fill(1), hidden.dims),
        },
      });
      const best = (await fill(masked, { top_k: 5 })) as { score: number; token: number }[];
      expect(best).toHaveLength(5);
      for (const { score, token } of best) {
        expect(Math.abs(score - probabilities.data[token]!)).toBeLessThan(TOLERANCE);
      }
      await fill.dispose();
    });

    it("text classification", async () => {
      const base = await loadCheckpoint(languageModel);
      const classifier = withHead(base, { seed: 3, std: 0.5, head: "classification", labels: 3 });
      const { "cls.predictions.bias": _, ...weights } = classifier.weights;
      const config = { ...classifier.config, architectures: undefined };
      const name = await exported(`${family}-classifier`, { config, weights });
      const classify = await pipeline("text-classification", name, options);
      const text = "A good film.";
      const ids = classify.tokenizer(text).input_ids as Tensor;
      const batch = {
        inputIds: ndarray(Int32Array.from(ids.data as BigInt64Array, Number), ids.dims),
        attentionMask: ndarray(new Int32Array(ids.size).fill(1), ids.dims),
      };
      const { data } = await jit((given: { weights: Weights; batch: Batch }) =>
        tf.softmax(sequenceLogits(config, given.weights, encode(config, given.weights, given.batch).at(-1)!)),
      )({ weights, batch });
      const found = (await classify(text, { top_k: 3 })) as { label: string; score: number }[];
      const scores = [0, 1, 2].map((label) => found.find((one) => one.label === `LABEL_${label}`)!.score);
      expect(Math.max(...scores.map((score, label) => Math.abs(score - data[label]!)))).toBeLessThan(TOLERANCE);
      expect(Math.max(...scores) - Math.min(...scores)).toBeGreaterThan(0.01);
      await classify.dispose();
    });
  });
}

function randomBatch(B: number, S: number, vocabulary: number) {
  const ids = Int32Array.from({ length: B * S }, (_, i) => 5 + ((i * 37) % (vocabulary - 5)));
  const mask = Int32Array.from({ length: B * S }, (_, i) => (i % S < S - (Math.floor(i / S) % S) ? 1 : 0));
  return { inputIds: ndarray(ids, [B, S]), attentionMask: ndarray(mask, [B, S]) };
}

function feeds({
  inputIds,
  attentionMask,
  tokenTypeIds,
}: {
  inputIds: NDArray;
  attentionMask: NDArray;
  tokenTypeIds?: NDArray;
}) {
  const wide = ({ data, shape }: NDArray) => new Tensor("int64", BigInt64Array.from(data, BigInt), [...shape]);
  return {
    input_ids: wide(inputIds),
    attention_mask: wide(attentionMask),
    token_type_ids: wide(tokenTypeIds ?? ndarray(new Int32Array(inputIds.data.length), inputIds.shape)),
  };
}

/** Largest difference; with a mask [batch, length], where it is 1. */
function difference(actual: Tensor, expected: NDArray, mask?: NDArray): number {
  expect(actual.dims).toStrictEqual([...expected.shape]);
  const width = mask === undefined ? 1 : expected.data.length / mask.data.length;
  const data = actual.data as Float32Array;
  let worst = 0;
  for (let i = 0; i < data.length; i++) {
    if (mask !== undefined && mask.data[Math.floor(i / width)] === 0) continue;
    worst = Math.max(worst, Math.abs(data[i]! - expected.data[i]!));
  }
  return worst;
}
