import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeGolden } from "@pruning-bias/oracle";
import {
  eager,
  jit,
  ndarray,
  type NDArray,
  readSafetensors,
  softmaxCrossEntropy,
  tf,
  toFloat32,
  toInt32,
} from "@pruning-bias/runtime";
import { beforeAll, describe, expect, it } from "vitest";
import { type Checkpoint, loadCheckpoint } from "./checkpoint.ts";
import { type Batch, encode } from "./encoder.ts";
import { maskedLmLogits, nextSentenceLogits, pooled, sequenceLogits } from "./heads.ts";
import type { Weights } from "./weights.ts";

const TOLERANCE = 1e-4;

describeGolden("BERT as Hugging Face computes it", "models/bert", (folder) => {
  let expected: Awaited<ReturnType<typeof readSafetensors>>["tensors"];
  beforeAll(async () => {
    expected = (await readSafetensors(join(folder, "forward.safetensors"))).tensors;
  });
  const floats = (name: string): NDArray => toFloat32(expected[name]!);
  const ints = (name: string): NDArray => toInt32(expected[name]!);
  const batch = () => ({
    inputIds: ints("input_ids"),
    attentionMask: ints("attention_mask"),
    tokenTypeIds: ints("token_type_ids"),
  });
  const labelled = () => labelledTokens(ints("mlm_labels"));

  /** Largest difference at real tokens from the `hidden_states.N` that the fixture has. */
  const worstHiddenState = (checkpoint: string, states: readonly NDArray[]): number => {
    const worst = states.flatMap((state, index) => {
      const name = `${checkpoint}.hidden_states.${index}`;
      return name in expected ? [difference(state, floats(name), ints("attention_mask"))] : [];
    });
    expect(worst.length).toBeGreaterThan(0);
    return Math.max(...worst);
  };

  describe.each([
    ["eager", eager],
    ["compiled", jit],
  ])("%s", (_, run) => {
    it("masked language model: every hidden state, logits at the labels, loss", async () => {
      const { config, weights } = await loadCheckpoint(join(folder, "masked-lm"));
      const forward = run((inputs: { weights: Weights; batch: Batch; rows: tf.Tensor1D; labels: tf.Tensor1D }) => {
        const states = encode(config, inputs.weights, inputs.batch);
        const logits = maskedLmLogits(config, inputs.weights, rowsOf(states.at(-1)!, inputs.rows));
        return { states, logits, loss: tf.mean(softmaxCrossEntropy(logits, inputs.labels)) };
      });
      const { states, logits, loss } = await forward({ weights, batch: batch(), ...labelled() });
      expect(states).toHaveLength(config.num_hidden_layers + 1);
      expect(worstHiddenState("masked-lm", states)).toBeLessThan(TOLERANCE);
      expect(difference(logits, floats("masked-lm.logits_at_labels"))).toBeLessThan(TOLERANCE);
      expect(difference(loss, floats("masked-lm.loss"))).toBeLessThan(TOLERANCE);
    });

    it("sequence classification: last hidden state, pooled, logits, loss; and regression under another head", async () => {
      const { config, weights } = await loadCheckpoint(join(folder, "sequence-classification"));
      const forward = run(
        (inputs: { weights: Weights; batch: Batch; classes?: tf.Tensor1D; targets?: tf.Tensor1D }) => {
          const states = encode(config, inputs.weights, inputs.batch);
          const logits = sequenceLogits(config, inputs.weights, states.at(-1)!);
          const losses =
            inputs.targets === undefined
              ? softmaxCrossEntropy(logits, inputs.classes!)
              : tf.squaredDifference(tf.reshape(logits, [-1]), inputs.targets);
          return { states, pooled: pooled(config, inputs.weights, states.at(-1)!), logits, loss: tf.mean(losses) };
        },
      );
      const classified = await forward({ weights, batch: batch(), classes: ints("class_labels") });
      expect(worstHiddenState("sequence-classification", classified.states)).toBeLessThan(TOLERANCE);
      for (const name of ["pooled", "logits", "loss"] as const) {
        expect(difference(classified[name], floats(`sequence-classification.${name}`))).toBeLessThan(TOLERANCE);
      }

      const head = {
        "classifier.weight": floats("regression.classifier.weight"),
        "classifier.bias": floats("regression.classifier.bias"),
      };
      const inputs = { weights: { ...weights, ...head }, batch: batch(), targets: floats("regression_labels") };
      const { logits, loss } = await forward(inputs);
      expect(difference(logits, floats("regression.logits"))).toBeLessThan(TOLERANCE);
      expect(difference(loss, floats("regression.loss"))).toBeLessThan(TOLERANCE);
    });

    it("pre-training checkpoint with gamma and beta: every hidden state, pooled, next sentence", async () => {
      const { config, weights } = await loadCheckpoint(join(folder, "pretraining-legacy"));
      const forward = run((inputs: { weights: Weights; batch: Batch }) => {
        const states = encode(config, inputs.weights, inputs.batch);
        const last = states.at(-1)!;
        return {
          states,
          pooled: pooled(config, inputs.weights, last),
          seq_relationship_logits: nextSentenceLogits(config, inputs.weights, last),
        };
      });
      const outputs = await forward({ weights, batch: batch() });
      expect(worstHiddenState("pretraining-legacy", outputs.states)).toBeLessThan(TOLERANCE);
      for (const name of ["pooled", "seq_relationship_logits"] as const) {
        expect(difference(outputs[name], floats(`pretraining-legacy.${name}`))).toBeLessThan(TOLERANCE);
      }
    });

    it("computes only the layers asked for", async () => {
      const { config, weights } = await loadCheckpoint(join(folder, "masked-lm"));
      const first = run((inputs: { weights: Weights; batch: Batch }) =>
        encode(config, inputs.weights, inputs.batch, { layers: 1 }),
      );
      const states = await first({ weights, batch: batch() });
      expect(states).toHaveLength(2);
      expect(worstHiddenState("masked-lm", states)).toBeLessThan(TOLERANCE);
    });

    it("gradients of every parameter", async () => {
      const json: Gradients = JSON.parse(await readFile(join(folder, "gradients.json"), "utf8"));
      const gradients = (await readSafetensors(join(folder, "gradients.safetensors"))).tensors;
      const { config, weights } = await loadCheckpoint(join(folder, json.checkpoint));
      const { value, grads } = await run(objective(config, Object.keys(weights)))({
        weights,
        batch: batch(),
        ...labelled(),
      });
      expect(Math.abs(Number(value.data[0]) / json.loss.float64 - 1)).toBeLessThan(TOLERANCE);

      const own = Object.entries(gradients).map(([name, tensor]) => [name.replace(/^bert\./, ""), tensor] as const);
      expect(Object.keys(grads).toSorted()).toStrictEqual(own.map(([name]) => name).toSorted());
      const errors = own.map(([name, tensor]) => {
        // The softmax does not see a key's bias: its gradient is 0.
        const size = name.endsWith("key.bias") ? 1 : norm(tensor.data as Float32Array);
        return [name, distance(grads[name]!, toFloat32(tensor)) / size] as const;
      });
      expect(errors.filter(([, error]) => !(error < TOLERANCE))).toStrictEqual([]);
    });
  });
});

interface Gradients {
  checkpoint: string;
  loss: { float32: number; float64: number };
}

/** mean over real tokens and dimensions of (last hidden state)² + the masked language model's loss. */
function objective(config: Checkpoint["config"], names: readonly string[]) {
  return (inputs: { weights: Weights; batch: Batch; rows: tf.Tensor1D; labels: tf.Tensor1D }) => {
    const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
      const weights = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
      const last = encode(config, weights, inputs.batch).at(-1)!;
      const real = tf.cast(tf.expandDims(inputs.batch.attentionMask, -1), "float32"); // (B, S, 1)
      const squares = tf.div(tf.sum(tf.mul(tf.square(last), real)), tf.mul(tf.sum(real), config.hidden_size));
      const logits = maskedLmLogits(config, weights, rowsOf(last, inputs.rows));
      return tf.add<tf.Scalar>(squares, tf.mean(softmaxCrossEntropy(logits, inputs.labels)));
    };
    const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => inputs.weights[name]!));
    return { value, grads: Object.fromEntries(names.map((name, index) => [name, grads[index]!])) };
  };
}

/** The given tokens of a hidden state: (B, S, D) → (N, D). */
const rowsOf = (state: tf.Tensor3D, rows: tf.Tensor1D): tf.Tensor2D =>
  tf.gather<tf.Tensor2D>(tf.reshape(state, [-1, state.shape[2]]), rows);

/** Which tokens have a label (not −100), and their labels. */
function labelledTokens({ data }: NDArray) {
  const rows = Int32Array.from(data.keys()).filter((index) => data[index] !== -100);
  return { rows: ndarray(rows), labels: ndarray(rows.map((index) => data[index]!)) };
}

/** Largest absolute difference; with a mask (B, S), of (B, S, D) where it is 1. */
function difference(actual: NDArray, expected: NDArray, mask?: NDArray): number {
  expect(actual.shape).toStrictEqual([...expected.shape]);
  const width = mask === undefined ? 1 : actual.data.length / mask.data.length;
  let worst = 0;
  for (let i = 0; i < actual.data.length; i++) {
    if (mask !== undefined && mask.data[Math.floor(i / width)] === 0) continue;
    worst = Math.max(worst, Math.abs(actual.data[i]! - expected.data[i]!));
  }
  return worst;
}

function distance(actual: NDArray, expected: NDArray): number {
  expect(actual.shape).toStrictEqual([...expected.shape]);
  return norm(Float64Array.from(actual.data, (value, index) => value - expected.data[index]!));
}

const norm = (data: ArrayLike<number>): number => Math.hypot(...Array.from(data));
