import { eager, type Jit, jit, ndarray, type NDArray, tf } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { parseConfig } from "./config.ts";
import { type Batch, encode, encodeEach, type EncodeOptions, type Gates } from "./encoder.ts";
import { families, type FamilyName } from "./families.ts";
import { sequenceLogits } from "./heads.ts";
import { initWeights } from "./init.ts";
import type { Weights } from "./weights.ts";
import { recordingRandom } from "../test/recording-random.ts";

const PAD = 1;
const configOf = (model_type: FamilyName) =>
  parseConfig({
    ...{ model_type, vocab_size: 20, hidden_size: 12, num_hidden_layers: 3, num_attention_heads: 3 },
    ...{ intermediate_size: 8, embedding_size: 6, num_hidden_groups: model_type === "albert" ? 2 : undefined },
    ...{ max_position_embeddings: 10, pad_token_id: PAD, hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.2 },
    ...{ classifier_dropout: 0.3, ...(!["albert", "electra"].includes(model_type) && { embedding_size: undefined }) },
  });

const batch = {
  inputIds: ndarray(Int32Array.of(2, 5, 6, 3, 2, 7, 3, PAD), [2, 4]),
  attentionMask: ndarray(Int32Array.of(1, 1, 1, 1, 1, 1, 1, 0), [2, 4]),
};

interface Inputs {
  weights: Weights;
  batch: Batch;
  gates?: Gates;
}

describe.each(Object.keys(families) as FamilyName[])("%s", (family) => {
  const config = configOf(family);
  const weights = initWeights(config, { seed: 1, std: 0.3, head: "classification", labels: 3 });
  const classes = { ...config, num_labels: 3 };

  describe.each([
    ["eager", eager],
    ["compiled", jit],
  ])("%s", (_, run) => {
    const last = async (inputs: { [K in keyof Inputs]: never } | object, options: EncodeOptions = {}) =>
      run((given: Inputs) =>
        encode(config, given.weights, given.batch, { gates: given.gates ?? {}, ...options }).at(-1)!,
      )({ weights, batch, ...inputs } as never);

    it("a gate equals the weights masked by hand, in each layer that uses them", async () => {
      const value = "encoder.layer.1.attention.self.value";
      const matrix = weights[`${value}.weight`]!;
      const open = Float32Array.from(matrix.data, (w, i) => (Math.floor(i / 48) === 1 ? 0 : w)); // the second head's rows
      const masked = { ...weights, [`${value}.weight`]: ndarray(open, matrix.shape) };
      const gated = await last({ gates: { [value]: { rows: ndarray(Float32Array.of(1, 0, 1)) } } });
      expect(difference(gated, await last({ weights: masked }))).toBeLessThan(1e-5);
      expect(difference(gated, await last({}))).toBeGreaterThan(0.01);
    });

    it("the last layer at some positions is the whole one there", async () => {
      const some = await run((given: Inputs & { positions: tf.Tensor2D }) =>
        encode(config, given.weights, given.batch, { lastPositions: given.positions }).at(-1)!,
      )({ weights, batch, positions: ndarray(Int32Array.of(3, 2), [2, 1]) });
      const whole = (await last({})).data;
      const rows = [...whole.slice(3 * 12, 4 * 12), ...whole.slice(6 * 12, 7 * 12)];
      expect(difference(some, ndarray(Float32Array.from(rows), [2, 1, 12]))).toBeLessThan(1e-5);
    });

    it("batches of several lengths together are each as alone, and so are their gradients", async () => {
      const other = {
        inputIds: ndarray(Int32Array.of(2, 9, 8, 7, 6, 3), [1, 6]),
        attentionMask: ndarray(Int32Array.of(1, 1, 1, 1, 1, 1), [1, 6]),
        tokenTypeIds: ndarray(Int32Array.of(0, 0, 0, 0, 0, 0), [1, 6]),
      };
      const query = "encoder.layer.1.attention.self.query.weight";
      const words = "embeddings.word_embeddings.weight";
      const each = run(({ weights, batches }: { weights: Weights; batches: readonly Batch[] }) => {
        const lastPositions = batches.map(({ inputIds: { shape } }) => tf.ones([shape[0], 1], "int32") as tf.Tensor2D);
        const loss = (states: readonly tf.Tensor3D[]) =>
          states.reduce((sum, state) => tf.add<tf.Scalar>(sum, tf.sum(tf.square(state))), tf.scalar(0));
        const of = (encoder: (own: Weights) => tf.Tensor3D[]) => ({
          states: encoder(weights),
          gradients: tf.grads((a: tf.Tensor, b: tf.Tensor) => loss(encoder({ ...weights, [query]: a, [words]: b })))([
            weights[query]!,
            weights[words]!,
          ]),
        });
        return {
          together: of((own) => encodeEach(config, own, batches, { lastPositions }).map((all) => all.at(-1)!)),
          alone: of((own) =>
            batches.map((batch, n) => encode(config, own, batch, { lastPositions: lastPositions[n]! }).at(-1)!),
          ),
        };
      });
      const { together, alone } = await each({ weights, batches: [batch, other, batch] as never });
      expect(together.states.map(({ shape }) => shape)).toEqual([[2, 1, 12], [1, 1, 12], [2, 1, 12]]); // prettier-ignore
      for (const kind of ["states", "gradients"] as const) {
        for (const [n, array] of together[kind].entries())
          expect(difference(array, alone[kind][n]!)).toBeLessThan(1e-4);
      }
    });

    it("padding changes nothing at real tokens", async () => {
      const alone = { inputIds: batch.inputIds.data.slice(4, 7), attentionMask: Int32Array.of(1, 1, 1) };
      const cut = await last({
        batch: { inputIds: ndarray(alone.inputIds, [1, 3]), attentionMask: ndarray(alone.attentionMask, [1, 3]) },
      });
      const whole = (await last({})).data.slice(4 * 12, 7 * 12);
      expect(difference(cut, ndarray(whole, [1, 3, 12]))).toBeLessThan(1e-5);
    });
  });

  it("drops and gates batches together eagerly as compiled", async () => {
    const gates = { "encoder.layer.1.attention.output.dense": { columns: ndarray(Float32Array.of(1, 0, 1)) } };
    const short = {
      inputIds: ndarray(Int32Array.of(2, 9, 3), [1, 3]),
      attentionMask: ndarray(Int32Array.of(1, 1, 1), [1, 3]),
    };
    const last = (run: Jit) =>
      run(({ weights, batches, gates }: { weights: Weights; batches: readonly Batch[]; gates: Gates }, random) =>
        encodeEach(config, weights, batches, { gates, random }).map((states) => states.at(-1)!),
      )({ weights, batches: [batch, short] as never, gates: gates as never }, { seed: 4, counter: 1 });
    const [eagerly, compiled] = [await last(eager), await last(jit)];
    for (const [n, state] of eagerly.entries()) expect(difference(state, compiled[n]!)).toBeLessThan(1e-5);
  });

  it("drops where Hugging Face does, with its rates", async () => {
    const { random, calls } = recordingRandom();
    await eager((given: Inputs) => {
      const states = encode(config, given.weights, given.batch, { random });
      return sequenceLogits(classes, given.weights, states.at(-1)!, { random });
    })({ weights, batch });
    const [attention, feedForward] = { distilbert: [false, true], albert: [true, false] }[family as "albert"] ?? [
      true,
      true,
    ];
    const layer = [0.2, ...(attention ? [0.1] : []), ...(feedForward ? [0.1] : [])];
    const head = ["roberta", "electra"].includes(family) ? [0.3, 0.3] : [0.3];
    expect(calls.map(([, rate]) => rate)).toStrictEqual([0.1, ...layer, ...layer, ...layer, ...head]);
  });

  it("names what is too long", async () => {
    const most = family === "roberta" ? 8 : 10;
    const long = { inputIds: zerosOf([1, most + 1]), attentionMask: zerosOf([1, most + 1]) };
    const run = eager((given: Inputs) => encode(config, given.weights, given.batch));
    await expect(run({ weights, batch: long })).rejects.toThrow(`expected at most ${most} tokens, got ${most + 1}`);
  });
});

it("ALBERT's layers share their group's weights", () => {
  const names = Object.keys(initWeights(configOf("albert"), { seed: 1 }));
  expect(names.filter((name) => name.endsWith("output.dense.weight") && !name.includes("attention"))).toStrictEqual([
    "encoder.layer.0.output.dense.weight",
    "encoder.layer.1.output.dense.weight",
  ]);
  expect(names).toContain("embeddings_project.weight");
});

it("RoBERTa's position of padding is drawn as zero and gets no gradient", async () => {
  const config = configOf("roberta");
  const weights = initWeights(config, { seed: 1, std: 0.3 });
  const name = "embeddings.position_embeddings.weight";
  const row = ({ data }: NDArray, at: number) => Math.hypot(...data.slice(at * 12, (at + 1) * 12));
  expect(row(weights[name]!, PAD)).toBe(0);
  const gradient = await jit((given: Inputs) =>
    tf.grad((table) =>
      tf.sum(tf.square(tf.sum(encode(config, { ...given.weights, [name]: table }, given.batch).at(-1)!, 0))),
    )(given.weights[name]!),
  )({ weights, batch });
  expect([0, 1, 2, 5, 6].map((at) => row(gradient, at) > 1e-3)).toStrictEqual([false, false, true, true, false]);
});

const zerosOf = (shape: number[]): NDArray => ndarray(new Int32Array(shape[0]! * shape[1]!), shape);

function difference(a: NDArray, b: NDArray): number {
  expect(a.shape).toStrictEqual([...b.shape]);
  return Math.max(...Array.from(a.data, (value, i) => Math.abs(value - b.data[i]!)));
}
