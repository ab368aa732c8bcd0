import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode, initWeights, parseConfig } from "@pruning-bias/model";
import {
  binarise,
  definePruningMethod,
  encodeMasked,
  hostMasks,
  initialScores,
  parsePruningSettings,
  prunedCheckpoint,
  pruningWarnings,
  readPruned,
  readScoreSettings,
  regulariser,
  schedule,
  scoreLayout,
  straightThrough,
  undecided,
  writeScores,
} from "@pruning-bias/pruning";
import { eager, generator, jit, ndarray, tf, valueAndGradients, withGradient } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { difference } from "./fixtures.ts";

/** M = [S > τ], but scores far from the threshold get less gradient: dL/dS = dL/dM·4σ(S − τ)(1 − σ(S − τ)). */
const surrogate = definePruningMethod({
  name: "surrogate",
  mask: (scores, threshold) =>
    withGradient((keep, s: tf.Tensor) => {
      const near = tf.sigmoid(tf.sub(s, threshold));
      keep([near]);
      return {
        value: tf.cast(tf.greater(s, threshold), "float32"),
        gradient: (dy, [p]) => tf.mul(dy, tf.mul(4, tf.mul(p!, tf.sub(1, p!)))),
      };
    })(scores),
  cutoff: (_, threshold) => threshold,
  penalty: (scores) => tf.square(scores),
  curve: (q) => 1 - Math.cos((Math.PI / 2) * q),
});

const config = parseConfig({
  ...{ model_type: "bert", vocab_size: 11, hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 12, max_position_embeddings: 8, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
});
const weights = initWeights(config, { seed: 1, std: 0.4 });
const settings = parsePruningSettings({
  attention: { method: surrogate, block: [4, 8] },
  dense: { method: surrogate },
  ...{ initialThreshold: -1, finalThreshold: 0.25 },
});
const layout = scoreLayout(config, settings);
const scores = initialScores(layout);
const { uniform } = generator(3);
for (const { data } of Object.values(scores)) for (const i of data.keys()) data[i] = 2 * uniform() - 1;
const batch = {
  inputIds: ndarray(Int32Array.of(2, 5, 7, 3, 2, 9, 3, 0), [2, 4]),
  attentionMask: ndarray(Int32Array.of(1, 1, 1, 1, 1, 1, 1, 0), [2, 4]),
};

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("a method of one's own (%s)", (_, compile) => {
  it("makes its mask, with its own gradient", async () => {
    const run = compile(({ s, tau }: { s: tf.Tensor; tau: tf.Scalar }) =>
      valueAndGradients(({ s }) => tf.sum(binarise(s, tau, { method: surrogate, minElements: 0 })) as tf.Scalar, { s }),
    );
    const { value, gradients } = await run({ s: ndarray(Float32Array.of(-1, 0.5, 2)), tau: 0.5 });
    const expected = [-1.5, 0, 1.5].map((x) => 4 / (1 + Math.exp(-x)) / (1 + Math.exp(x)));
    expect(value.data[0]).toBe(1);
    expect(difference(gradients["s"]!.data, expected)).toBeLessThan(1e-6);
  });

  it("reaches scores through a whole encoder, which it prunes as its host masks say", async () => {
    type Tensors = Readonly<Record<string, tf.Tensor>>;
    type Inputs = { weights: Tensors; scores: Tensors; batch: { inputIds: tf.Tensor2D; attentionMask: tf.Tensor2D } };
    const run = compile(({ weights, scores, batch }: Inputs) => {
      let last: tf.Tensor3D | undefined;
      const { gradients } = valueAndGradients((s: Tensors) => {
        last = encodeMasked(config, layout, { weights, scores: s, threshold: tf.scalar(0.25) }, batch).at(-1)!;
        return tf.sum(tf.square(last));
      }, scores);
      return { last: last!, gradients };
    });
    const { last, gradients } = await run({ weights, scores, batch });
    for (const name of Object.keys(scores)) expect(gradients[name]!.data.every(Number.isFinite)).toBe(true);
    for (const form of ["dense", "compact"] as const) {
      const { checkpoint } = await prunedCheckpoint({ config, weights }, { layout, scores, threshold: 0.25 }, form);
      const plain = compile(({ weights, batch }: Pick<Inputs, "weights" | "batch">) => ({
        y: encode(checkpoint.config, weights, batch).at(-1)!,
      }));
      const { y } = await plain({ weights: checkpoint.weights, batch });
      expect(difference(y.data.subarray(0, 8), last.data.subarray(0, 8))).toBeLessThan(1e-5);
    }
  });

  it("has its own penalty, the mean of which stands for each score tensor, unless there is none", async () => {
    const penalty = compile(({ scores }: { scores: Record<string, tf.Tensor> }) => ({
      own: regulariser(layout, settings, scores),
      none: regulariser(layout, { ...settings, regularization: "none" }, scores),
    }));
    const { own, none } = await penalty({ scores });
    const means = (group: string) =>
      layout.scores
        .filter((tensor) => tensor.group === group)
        .map(({ name }) => mean(Array.from(scores[name]!.data, (score) => score ** 2)));
    expect(own.data[0]).toBeCloseTo((mean(means("attention")) + mean(means("dense"))) / 2, 6);
    expect(none.data[0]).toBe(0);
  });

  it("counts as it starts where its scores are fixed", async () => {
    const half = parsePruningSettings({ ...settings, attentionOnly: true, initialScore: 0.5 });
    const fixed = scoreLayout(config, half);
    const given = initialScores(fixed);
    const trained = Object.fromEntries(
      fixed.scores.flatMap(({ name, trained }) => (trained ? [[name, given[name]!]] : [])),
    );
    const penalty = compile(({ scores }: { scores: Record<string, tf.Tensor> }) => regulariser(fixed, half, scores));
    expect((await penalty({ scores: trained })).data[0]).toBeCloseTo(0.25, 6);
  });
});

describe("a method of one's own", () => {
  it("has its own schedule, which the other group follows", () => {
    const at = (step: number) =>
      schedule(settings, { step, totalSteps: 100, warmupSteps: 0, training: true }).threshold;
    expect(at(0)).toBeCloseTo(-1, 12);
    expect(at(50)).toBeCloseTo(0.25 - 1.25 * (1 - Math.SQRT1_2), 12);
    expect(at(100)).toBeCloseTo(0.25, 12);
    const mixed = parsePruningSettings({ attention: { method: surrogate }, dense: { method: "threshold" } });
    expect(schedule(mixed, { step: 50, totalSteps: 100, warmupSteps: 0, training: true }).threshold).toBeCloseTo(
      0.1 * Math.SQRT1_2,
      12,
    );
    const other = definePruningMethod({
      ...{ name: "other", mask: (s, tau) => straightThrough(s, (x) => tf.greater(x, tau)) },
      ...{ cutoff: (_: Float32Array, threshold: number) => threshold, curve: (q: number) => q },
    });
    expect(() => parsePruningSettings({ attention: { method: surrogate }, dense: { method: other } })).toThrow(
      "pruning.dense_pruning_method: expected methods of one schedule, got those of surrogate and other",
    );
  });

  it("goes through files by its name, which whoever reads them knows", async () => {
    const dir = await mkdtemp(join(tmpdir(), "own-method-"));
    const path = join(dir, "scores.safetensors");
    try {
      await writeScores(path, layout, scores, settings);
      const read = await readPruned(path, { methods: [surrogate] });
      expect(read.threshold).toBe(0.25);
      expect(hostMasks(read.layout, read.scores, 0.25)).toEqual(hostMasks(layout, scores, 0.25));
      expect(await readScoreSettings(path, { methods: [surrogate] })).toEqual(settings);
      await expect(readPruned(path)).rejects.toThrow(
        /scores\.safetensors: pruning_settings: pruning\.attention\.method: expected one of "disabled".*got "surrogate"/,
      );
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("tells gates that are undecided, and warns of what must end badly", () => {
    const near = Object.values(scores).flatMap(({ data }) =>
      Array.from(data).filter((score) => Math.abs(score - 0.25) < 0.1),
    );
    expect(undecided(layout, scores, 0.25)).toBe(near.length);
    const closed = parsePruningSettings({ attention: { method: surrogate }, dense: { method: "disabled" } });
    expect(pruningWarnings(closed, { totalSteps: 10, warmupSteps: 0 })).toContain(
      "attention: surrogate at the initial threshold 0 closes everything that starts at 0: start its scores or the threshold elsewhere",
    );
  });

  it("is refused where its name is no word or is taken, and where it was not made by definePruningMethod", () => {
    const like = (name: string) => definePruningMethod({ ...surrogate, name });
    expect(() => like("a b")).toThrow('definePruningMethod: expected a name of letters, digits and _, got "a b"');
    expect(() => like("topK")).toThrow("definePruningMethod: expected a name that is not taken, got topK");
    expect(() => parsePruningSettings({ attention: { method: { ...surrogate } } })).toThrow(
      /^pruning\.attention\.method: expected one of "disabled".* or what definePruningMethod makes, got "surrogate"$/,
    );
  });
});

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
