import { eager, jit, ndarray, type NDArray, tf, zeros } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { parseConfig } from "./config.ts";
import { type Batch, encode, encodeEach, type EncodeOptions, type Gates } from "./encoder.ts";
import { initWeights } from "./init.ts";
import type { Weights } from "./weights.ts";
import { recordingRandom } from "../test/recording-random.ts";

const config = parseConfig({
  model_type: "bert",
  vocab_size: 20,
  hidden_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  intermediate_size: 8,
  max_position_embeddings: 10,
});
const weights = withBiases(initWeights(config, { seed: 1, std: 0.3 }));
const batch = {
  inputIds: ndarray(Int32Array.of(2, 5, 6, 3, 2, 7, 3, 0), [2, 4]),
  attentionMask: ndarray(Int32Array.of(1, 1, 1, 1, 1, 1, 1, 0), [2, 4]),
};

interface Inputs {
  weights: Weights;
  batch: Batch;
  gates?: Gates;
}

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("encode, %s", (_, run) => {
  const last = async (inputs: Parameters<ReturnType<typeof forward>>[0], options?: EncodeOptions) =>
    (await forward(options)(inputs)).at(-1)!;
  const forward = (options: EncodeOptions = {}) =>
    run((inputs: Inputs) => encode(config, inputs.weights, inputs.batch, { gates: inputs.gates ?? {}, ...options }));

  it("gates equal the weights masked by hand", async () => {
    const [value, output, inner, outer] = [
      "encoder.layer.0.attention.self.value",
      "encoder.layer.1.attention.output.dense",
      "encoder.layer.1.intermediate.dense",
      "encoder.layer.1.output.dense",
    ] as const;
    const heads = ndarray(Float32Array.of(1, 0, 1));
    const neurons = ndarray(Float32Array.of(1, 0, 1, 1, 0, 0, 1, 0));
    const gates = {
      [value]: { rows: heads },
      [output]: { columns: heads },
      [inner]: { rows: neurons },
      [outer]: { columns: neurons },
    };
    const masked = {
      ...weights,
      [`${value}.weight`]: maskRows(weights[`${value}.weight`]!, heads),
      [`${output}.weight`]: maskColumns(weights[`${output}.weight`]!, heads),
      [`${inner}.weight`]: maskRows(weights[`${inner}.weight`]!, neurons),
      [`${outer}.weight`]: maskColumns(weights[`${outer}.weight`]!, neurons),
    };
    const [gated, byHand, open] = [
      await last({ weights, batch, gates }),
      await last({ weights: masked, batch }),
      await last({ weights, batch }),
    ];
    expect(difference(gated, byHand)).toBeLessThan(1e-5);
    expect(difference(open, byHand)).toBeGreaterThan(0.01);
  });

  it("goes on from a layer's hidden states as if it had computed them", async () => {
    const whole = await forward()({ weights, batch });
    const rest = run((inputs: Inputs & { hidden: tf.Tensor3D }) =>
      encode(config, inputs.weights, inputs.batch, { from: { layer: 1, hidden: inputs.hidden } }),
    );
    const states = await rest({ weights, batch, hidden: whole[1]! });
    expect(states).toHaveLength(2);
    expect(difference(states[1]!, whole[2]!)).toBeLessThan(1e-6);
  });

  it.each([0, 1])("several gates at once in layer %i equal each alone, above what is computed once", async (layer) => {
    const output = `encoder.layer.${layer}.attention.output.dense`;
    const heads = [Float32Array.of(1, 0, 1), Float32Array.of(0, 1, 1), Float32Array.of(1, 1, 1)];
    const columns = ndarray(Float32Array.from(heads.flatMap((gate) => [...gate])), [3, 3]);
    for (const lastPositions of [undefined, ndarray(Int32Array.of(2, 0, 0, 1), [2, 2])]) {
      const at = run((inputs: Inputs & { lastPositions?: tf.Tensor2D }) =>
        encode(config, inputs.weights, inputs.batch, {
          gates: inputs.gates!,
          ...(inputs.lastPositions && { lastPositions: inputs.lastPositions }),
        }),
      );
      const given = { weights, batch, ...(lastPositions && { lastPositions }) };
      const together = (await at({ ...given, gates: { [output]: { columns } } })).at(-1)!;
      const alone = [];
      for (const gate of heads) {
        alone.push((await at({ ...given, gates: { [output]: { columns: ndarray(gate) } } })).at(-1)!);
      }
      const [B, ...rest] = alone[0]!.shape as [number, number, number];
      expect(together.shape).toEqual([3 * B, ...rest]);
      const stacked = ndarray(Float32Array.from(alone.flatMap(({ data }) => [...data])), together.shape);
      // At padding there are numbers without meaning, which are the same ones.
      expect(difference(together, stacked)).toBeLessThan(1e-6);
      expect(difference(alone[0]!, alone[1]!)).toBeGreaterThan(0.01);
    }
  });

  it("the gradient of a gate is the block sum of dL/dŴ∘W", async () => {
    const name = "encoder.layer.0.attention.self.value";
    const loss = (inputs: Inputs) => tf.sum(tf.square(tf.sum(encode(config, inputs.weights, inputs.batch).at(-1)!, 0)));
    const ofWeight = run((inputs: Inputs) =>
      tf.grad((weight) => loss({ ...inputs, weights: { ...inputs.weights, [`${name}.weight`]: weight } }))(
        inputs.weights[`${name}.weight`]!,
      ),
    );
    const ofGate = run((inputs: Inputs & { rows: tf.Tensor1D }) =>
      tf.grad((rows) => {
        const gates = { [name]: { rows: rows as tf.Tensor1D } };
        const states = encode(config, inputs.weights, inputs.batch, { gates });
        return tf.sum(tf.square(tf.sum(states.at(-1)!, 0)));
      })(inputs.rows),
    );
    const dW = await ofWeight({ weights, batch });
    const dGate = await ofGate({ weights, batch, rows: ndarray(Float32Array.of(1, 1, 1)) });
    const rows = config.hidden_size / 3;
    const sums = [0, 1, 2].map((head) => {
      const block = { start: head * rows * config.hidden_size, end: (head + 1) * rows * config.hidden_size };
      const terms = dW.data.slice(block.start, block.end) as Float32Array;
      return terms.reduce((sum, d, i) => sum + d * weights[`${name}.weight`]!.data[block.start + i]!, 0);
    });
    expect(difference(dGate, ndarray(Float32Array.from(sums)))).toBeLessThan(1e-3 * Math.max(...sums.map(Math.abs)));
  });

  it("padding changes nothing at real tokens, and absent token types mean segment 0", async () => {
    const whole = await last({ weights, batch });
    const alone = {
      inputIds: ndarray(batch.inputIds.data.slice(4, 7), [1, 3]),
      attentionMask: ndarray(Int32Array.of(1, 1, 1), [1, 3]),
      tokenTypeIds: ndarray(new Int32Array(3), [1, 3]),
    };
    const cut = await last({ weights, batch: alone });
    const D = config.hidden_size;
    expect(difference(cut, ndarray(whole.data.slice(4 * D, 7 * D), [1, 3, D]))).toBeLessThan(1e-5);
  });

  it("the last layer at some positions is the whole one there, and so are its gradients", async () => {
    const positions = ndarray(Int32Array.of(2, 0, 1, 1), [2, 2]);
    const name = "encoder.layer.0.attention.self.key.weight";
    const both = run((inputs: Inputs & { positions: tf.Tensor2D; weight: tf.Tensor }) => {
      const states = (weight: tf.Tensor, options: EncodeOptions) =>
        encode(config, { ...inputs.weights, [name]: weight }, inputs.batch, options);
      const some = (weight: tf.Tensor) => states(weight, { lastPositions: inputs.positions }).at(-1)!; // [2, 2, hidden]
      const same = (weight: tf.Tensor) => {
        const rows = tf.reshape(states(weight, {}).at(-1)!, [8, config.hidden_size]);
        const at = tf.add(tf.reshape(inputs.positions, [4]), tf.tensor1d([0, 0, 4, 4], "int32"));
        return tf.reshape(tf.gather(rows, at as tf.Tensor1D), [2, 2, config.hidden_size]);
      };
      const gradient = (of: (weight: tf.Tensor) => tf.Tensor) =>
        tf.grad((weight) => tf.sum(tf.square(tf.sum(of(weight), 0))))(inputs.weight);
      return { some: [some(inputs.weight), gradient(some)], same: [same(inputs.weight), gradient(same)] };
    });
    const { some, same } = await both({ weights, batch, positions, weight: weights[name]! });
    expect(some[0]!.shape).toEqual([2, 2, config.hidden_size]);
    expect(difference(some[0]!, same[0]!)).toBeLessThan(1e-5);
    expect(difference(some[1]!, same[1]!)).toBeLessThan(1e-5);
    expect(Math.hypot(...same[1]!.data)).toBeGreaterThan(0.1);
  });

  it("the embedding of the padding token gets no gradient, even where padding is in the loss", async () => {
    const name = "embeddings.word_embeddings.weight";
    const gradient = run((inputs: Inputs) =>
      tf.grad((table) => {
        const states = encode(config, { ...inputs.weights, [name]: table }, inputs.batch);
        return tf.sum(tf.square(tf.sum(states.at(-1)!, 0)));
      })(inputs.weights[name]!),
    );
    const { data } = await gradient({ weights, batch });
    const row = (id: number) => Math.hypot(...data.slice(id * config.hidden_size, (id + 1) * config.hidden_size));
    expect(row(0)).toBe(0);
    expect(row(5)).toBeGreaterThan(0.01);
  });

  it("drops where Hugging Face does, with its rates", async () => {
    const { random, calls } = recordingRandom();
    await last({ weights, batch }, { random });
    expect(calls).toStrictEqual([[2, 0.1], ...[1, 2].flatMap(() => [[4, 0.1], [2, 0.1], [2, 0.1]])]); // prettier-ignore
  });
});

it("encode names what does not fit", async () => {
  const long = { inputIds: zerosOf([1, 11]), attentionMask: zerosOf([1, 11]) };
  const run = eager((inputs: Inputs) => encode(config, inputs.weights, inputs.batch));
  await expect(run({ weights, batch: long })).rejects.toThrow("encode: expected at most 10 tokens, got 11");
  const deep = eager((inputs: Inputs) => encode(config, inputs.weights, inputs.batch, { layers: 3 }));
  await expect(deep({ weights, batch })).rejects.toThrow("encode: expected at most 2 layers, got 3");
  const odd = { "encoder.layer.0.output.dense": { columns: zeros([5]) } };
  const gated = eager((inputs: Inputs) => encode(config, inputs.weights, inputs.batch, { gates: inputs.gates! }));
  await expect(gated({ weights, batch, gates: odd })).rejects.toThrow("expected a divisor of 8, got 5 entries");
  const nowhere = { "encoder.layer.0.output.sense": { columns: zeros([8]) } };
  await expect(gated({ weights, batch, gates: nowhere })).rejects.toThrow(
    "encode: expected gates of modules with weights, got encoder.layer.0.output.sense",
  );
  const twice = eager(({ weights, batch, gates }: Inputs) =>
    encodeEach(config, weights, [batch, batch], { gates: gates! }).flat(),
  );
  const none = eager(({ weights }: Inputs) => encodeEach(config, weights, []).flat());
  await expect(none({ weights, batch })).rejects.toThrow("encode: expected a batch or more, got none");
  const module = "encoder.layer.0.attention.output.dense";
  await expect(twice({ weights, batch, gates: { [module]: { columns: zeros([2, 3]) } } })).rejects.toThrow(
    `encode: expected one batch under gates of several sub-networks, got 2 (${module})`,
  );
  const half = eager((inputs: Inputs) => encode(config, inputs.weights, inputs.batch, { layers: 0.5 }));
  await expect(half({ weights, batch })).rejects.toThrow("encode: expected at most 2 layers, got 0.5");
  const unlike = { inputIds: zerosOf([2, 4]), attentionMask: zerosOf([1, 4]) };
  await expect(run({ weights, batch: unlike })).rejects.toThrow(
    "encode: expected attentionMask [2, 4], as the ids are, got [1, 4]",
  );
  const { "embeddings.LayerNorm.bias": _, ...without } = weights;
  await expect(run({ weights: without, batch })).rejects.toThrow("weights: expected embeddings.LayerNorm.bias");
});

const zerosOf = (shape: number[]): NDArray => ndarray(new Int32Array(shape[0]! * shape[1]!), shape);

/** Biases that are not 0, since a bias that is lost would not be seen. */
function withBiases(drawn: Record<string, NDArray>): Record<string, NDArray> {
  const shifted = ([name, { data, shape }]: [string, NDArray]) =>
    [name, name.endsWith("bias") ? ndarray(Float32Array.from(data, (_, i) => Math.sin(i + 1) / 5), shape) : drawn[name]!] as const; // prettier-ignore
  return Object.fromEntries(Object.entries(drawn).map(shifted));
}

function maskRows({ data, shape }: NDArray, mask: NDArray): NDArray {
  const run = data.length / mask.data.length;
  return ndarray(
    Float32Array.from(data, (value, i) => value * mask.data[Math.floor(i / run)]!),
    shape,
  );
}

function maskColumns({ data, shape }: NDArray, mask: NDArray): NDArray {
  const width = shape[1]!;
  const run = width / mask.data.length;
  return ndarray(
    Float32Array.from(data, (value, i) => value * mask.data[Math.floor((i % width) / run)]!),
    shape,
  );
}

function difference(a: NDArray, b: NDArray): number {
  expect(a.shape).toStrictEqual([...b.shape]);
  return Math.max(...Array.from(a.data, (value, i) => Math.abs(value - b.data[i]!)));
}
