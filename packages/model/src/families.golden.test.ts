import { readFileSync } from "node:fs";
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
import { loadCheckpoint } from "./checkpoint.ts";
import type { BertConfig } from "./config.ts";
import { type Batch, encode, type Encoded, forward } from "./encoder.ts";
import { families, familyOf, type FamilyName } from "./families.ts";
import { maskedLmLogits, nextSentenceLogits, pooled, replacedTokenLogits, sequenceLogits } from "./heads.ts";
import { hubNames } from "./names.ts";
import type { Weights } from "./weights.ts";

const TOLERANCE = 1e-4;

for (const family of Object.keys(families) as FamilyName[]) {
  describeGolden(`${family} as Hugging Face computes it`, `models/${family}`, (folder) => {
    const { checkpoints } = readJson<{ checkpoints: Record<string, { architecture: string }> }>(folder, "forward.json");
    let fixture: Awaited<ReturnType<typeof readSafetensors>>["tensors"];
    beforeAll(async () => {
      fixture = (await readSafetensors(join(folder, "forward.safetensors"))).tensors;
    });
    const floats = (name: string): NDArray => toFloat32(fixture[name]!);
    const ints = (name: string): NDArray => toInt32(fixture[name]!);
    const inputs = () => ({
      batch: {
        inputIds: ints("input_ids"),
        attentionMask: ints("attention_mask"),
        ...("token_type_ids" in fixture && { tokenTypeIds: ints("token_type_ids") }),
      },
      labels: {
        ...labelledTokens(ints("mlm_labels")),
        classes: ints("class_labels"),
        targets: floats("regression_labels"),
        replaced: ints("replaced_labels"),
      },
    });

    /** Largest differences from all that the fixture has of this name, such as `masked-lm.hidden_states.3`. */
    function expectToMatch(checkpoint: string, { hiddenStates, attentions, ...rest }: Outputs): void {
      const computed = new Map(Object.entries(rest as Record<string, NDArray>));
      hiddenStates.forEach((state, layer) => computed.set(`hidden_states.${layer}`, state));
      attentions.forEach((share, layer) => computed.set(`attentions.${layer}`, share));
      const names = Object.keys(fixture).filter(
        (name) => name.startsWith(`${checkpoint}.`) && !/classifier/.test(name),
      );
      expect(names.length).toBeGreaterThan(2);
      const mask = ints("attention_mask");
      const worst = names.map((name) => {
        const actual = computed.get(name.slice(checkpoint.length + 1));
        return [name, actual && difference(actual, floats(name), mask)] as const;
      });
      expect(worst.filter(([, error]) => !(error !== undefined && error < TOLERANCE))).toStrictEqual([]);
    }

    describe.each([
      ["eager", eager],
      ["compiled", jit],
    ])("%s", (_, run) => {
      it.each(Object.entries(checkpoints))(
        "%s: every state, all attention, head and loss",
        async (name, { architecture }) => {
          const { config, weights } = await loadCheckpoint(join(folder, name));
          const outputs = await run((given: Inputs) => compute(architecture, config, given))({ weights, ...inputs() });
          expect(outputs.hiddenStates).toHaveLength(config.num_hidden_layers + 1);
          expect(outputs.attentions).toHaveLength(config.num_hidden_layers);
          expectToMatch(name, outputs);
        },
      );

      it("computes only the layers asked for", async () => {
        const [name] = Object.keys(checkpoints) as [string];
        const { config, weights } = await loadCheckpoint(join(folder, name));
        const first = run((given: Inputs) => encode(config, given.weights, given.batch, { layers: 1 }));
        const states = await first({ weights, ...inputs() });
        expect(states).toHaveLength(2);
        const error = difference(states[1]!, floats(`${name}.hidden_states.1`), ints("attention_mask"));
        expect(error).toBeLessThan(TOLERANCE);
      });

      it("gradients of every parameter", async () => {
        const { checkpoint, loss, norms } = readJson<Gradients>(folder, "gradients.json");
        const { architecture } = checkpoints[checkpoint]!;
        const { config, weights } = await loadCheckpoint(join(folder, checkpoint));
        const names = Object.keys(weights);
        const objective = run((given: Inputs) => {
          const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
            const trained = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
            return withSquares(compute(architecture, config, { ...given, weights: trained }), given.batch);
          })(names.map((name) => given.weights[name]!));
          return { value, grads: Object.fromEntries(names.map((name, index) => [name, grads[index]!])) };
        });
        const { value, grads } = await objective({ weights, ...inputs() });
        expect(Math.abs(Number(value.data[0]) / loss.float64 - 1)).toBeLessThan(TOLERANCE);

        const theirs = (name: string) => hubNames(familyOf(config), name).find((known) => known in norms.float64)!;
        expect(names.map(theirs).toSorted()).toStrictEqual(Object.keys(norms.float64).toSorted());
        const errors = names.map((name) => {
          const expected = norms.float64[theirs(name)]!;
          // The softmax does not see a key's bias: its gradient is 0.
          const size = name.endsWith("key.bias") ? 1 : expected;
          return [name, Math.abs(norm(grads[name]!.data) - expected) / size] as const;
        });
        expect(errors.filter(([, error]) => !(error < TOLERANCE))).toStrictEqual([]);
      });
    });
  });
}

describeGolden("BERT's regression head and gradients, number by number", "models/bert", (folder) => {
  const tensorsOf = async (file: string) => (await readSafetensors(join(folder, file))).tensors;
  const batchOf = (tensors: Awaited<ReturnType<typeof tensorsOf>>) => ({
    inputIds: toInt32(tensors["input_ids"]!),
    attentionMask: toInt32(tensors["attention_mask"]!),
    tokenTypeIds: toInt32(tensors["token_type_ids"]!),
  });

  it.each([
    ["eager", eager],
    ["compiled", jit],
  ])("regression, %s", async (_, run) => {
    const fixture = await tensorsOf("forward.safetensors");
    const { config, weights } = await loadCheckpoint(join(folder, "sequence-classification"));
    const head = {
      "classifier.weight": toFloat32(fixture["regression.classifier.weight"]!),
      "classifier.bias": toFloat32(fixture["regression.classifier.bias"]!),
    };
    const regress = run(({ weights, batch, targets }: { weights: Weights; batch: Batch; targets: tf.Tensor1D }) => {
      const logits = sequenceLogits(config, weights, encode(config, weights, batch).at(-1)!);
      return { logits, loss: tf.mean(tf.squaredDifference(tf.reshape(logits, [-1]), targets)) };
    });
    const targets = toFloat32(fixture["regression_labels"]!);
    const { logits, loss } = await regress({ weights: { ...weights, ...head }, batch: batchOf(fixture), targets });
    expect(difference(logits, toFloat32(fixture["regression.logits"]!))).toBeLessThan(TOLERANCE);
    expect(difference(loss, toFloat32(fixture["regression.loss"]!))).toBeLessThan(TOLERANCE);
  });

  it("gradients", async () => {
    const { checkpoint } = readJson<Gradients>(folder, "gradients.json");
    const gradients = await tensorsOf("gradients.safetensors");
    const fixture = await tensorsOf("forward.safetensors");
    const { config, weights } = await loadCheckpoint(join(folder, checkpoint));
    const names = Object.keys(weights);
    const labels = labelledTokens(toInt32(fixture["mlm_labels"]!));
    const computed = await jit((given: { weights: Weights; batch: Batch; labels: LabelledTokens }) =>
      tf.grads((...tensors: tf.Tensor[]) => {
        const trained = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
        const outputs = languageModel(config, trained, forward(config, trained, given.batch), given.labels);
        return withSquares(outputs, given.batch);
      })(names.map((name) => given.weights[name]!)),
    )({ weights, batch: batchOf(fixture), labels });
    const errors = names.map((name, index) => {
      const expected = toFloat32((gradients[`bert.${name}`] ?? gradients[name])!);
      const size = name.endsWith("key.bias") ? 1 : norm(expected.data);
      return [name, distance(computed[index]!, expected) / size] as const;
    });
    expect(errors.filter(([, error]) => !(error < TOLERANCE))).toStrictEqual([]);
  });
});

interface Gradients {
  checkpoint: string;
  loss: { float64: number };
  norms: { float64: Record<string, number> };
}

type LabelledTokens = { rows: tf.Tensor1D; tokens: tf.Tensor1D };

interface Inputs {
  weights: Weights;
  batch: Batch;
  labels: LabelledTokens & { classes: tf.Tensor1D; targets: tf.Tensor1D; replaced: tf.Tensor2D };
}

interface Outputs {
  readonly hiddenStates: readonly NDArray[];
  readonly attentions: readonly NDArray[];
  readonly [name: string]: NDArray | readonly NDArray[];
}

/** What the class `architecture` of transformers returns, under the names of the fixtures. */
function compute(architecture: string, config: BertConfig, { weights, batch, labels }: Inputs) {
  const encoded = forward(config, weights, batch, { outputAttentions: true });
  const last = encoded.hiddenStates.at(-1)!;
  if (architecture.endsWith("ForMaskedLM")) return languageModel(config, weights, encoded, labels);
  if (architecture.endsWith("ForSequenceClassification")) {
    const logits = sequenceLogits(config, weights, last);
    const inside = familyOf(config).classifier.hidden === "pooler.dense" && { pooled: pooled(config, weights, last) };
    return { ...encoded, ...inside, logits, loss: tf.mean<tf.Scalar>(softmaxCrossEntropy(logits, labels.classes)) };
  }
  if (architecture === "ElectraForPreTraining") {
    const logits = replacedTokenLogits(config, weights, last);
    const real = tf.cast(batch.attentionMask, "float32");
    const replaced = tf.cast(labels.replaced, "float32");
    const losses = tf.sub(tf.softplus(logits), tf.mul(logits, replaced)); // −log σ(±logit)
    return { ...encoded, logits, loss: tf.div<tf.Scalar>(tf.sum(tf.mul(losses, real)), tf.sum(real)) };
  }
  const seq_relationship_logits = nextSentenceLogits(config, weights, last);
  return { ...encoded, pooled: pooled(config, weights, last), seq_relationship_logits, loss: tf.scalar(0) };
}

function languageModel(config: BertConfig, weights: Weights, encoded: Encoded, { rows, tokens }: LabelledTokens) {
  const logits = maskedLmLogits(config, weights, rowsOf(encoded.hiddenStates.at(-1)!, rows));
  return { ...encoded, logits_at_labels: logits, loss: tf.mean<tf.Scalar>(softmaxCrossEntropy(logits, tokens)) };
}

/** The loss and the mean over real tokens and dimensions of (last hidden state)². */
function withSquares({ hiddenStates, loss }: Encoded & { loss: tf.Scalar }, { attentionMask }: Batch): tf.Scalar {
  const last = hiddenStates.at(-1)!;
  const real = tf.cast(tf.expandDims(attentionMask, -1), "float32"); // [batch, length, 1]
  const squares = tf.sum(tf.mul(tf.square(last), real));
  return tf.add(tf.div(squares, tf.mul(tf.sum(real), last.shape[2])), loss);
}

/** The given tokens of a hidden state: [batch, length, hidden] → [N, hidden]. */
const rowsOf = (state: tf.Tensor3D, rows: tf.Tensor1D): tf.Tensor2D =>
  tf.gather<tf.Tensor2D>(tf.reshape(state, [-1, state.shape[2]]), rows);

/** Which tokens have a label (not −100), and their labels. */
function labelledTokens({ data }: NDArray) {
  const rows = Int32Array.from(data.keys()).filter((index) => data[index] !== -100);
  return { rows: ndarray(rows), tokens: ndarray(rows.map((index) => data[index]!)) };
}

/** Largest absolute difference; of what has a row for each token, [batch, length, …], where the mask [batch, length] is 1. */
function difference(actual: NDArray, expected: NDArray, mask?: NDArray): number {
  expect(actual.shape).toStrictEqual([...expected.shape]);
  const byToken = mask !== undefined && String(actual.shape.slice(0, 2)) === String(mask.shape);
  const width = byToken ? actual.data.length / mask.data.length : 1;
  let worst = 0;
  for (let i = 0; i < actual.data.length; i++) {
    if (byToken && mask.data[Math.floor(i / width)] === 0) continue;
    worst = Math.max(worst, Math.abs(actual.data[i]! - expected.data[i]!));
  }
  return worst;
}

function distance(actual: NDArray, expected: NDArray): number {
  expect(actual.shape).toStrictEqual([...expected.shape]);
  return norm(Float64Array.from(actual.data, (value, index) => value - expected.data[index]!));
}

const norm = (data: ArrayLike<number>): number => Math.hypot(...Array.from(data));

const readJson = <T>(folder: string, file: string): T => JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
