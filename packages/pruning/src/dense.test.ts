import { type Gate, initWeights, parseConfig } from "@pruning-bias/model";
import { eager, generator, jit, ndarray, type NDArray, tf, valueAndGradients } from "@pruning-bias/runtime";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { difference } from "../test/fixtures.ts";
import { applyMasks } from "./apply-masks.ts";
import { denseWeights } from "./dense.ts";
import { hostMasks } from "./host-masks.ts";
import { initialScores } from "./initial.ts";
import { densitiesOf } from "./pruned-checkpoint.ts";
import { scoreLayout } from "./layout.ts";
import { fromNnPruning, type NnPruningKeys } from "./nn-pruning.ts";

type Tensors = Readonly<Record<string, tf.Tensor>>;

const config = parseConfig({
  ...{ model_type: "bert", vocab_size: 11, hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2 },
  ...{ intermediate_size: 12, max_position_embeddings: 8 },
});

const settings = fc.record({
  attention_pruning_method: fc.constantFrom(
    ...["sigmoid_threshold", "threshold", "topK", "l0", "magnitude", "disabled"],
    ...["sigmoid_threshold:joint", "topK:joint", "magnitude:joint", "sigmoid_threshold:1d", "l0:1d"],
  ),
  attention_block_rows: fc.constantFrom(1, 2, 4, 8),
  attention_block_cols: fc.constantFrom(1, 2, 4, 8),
  dense_pruning_method: fc.constantFrom(
    ...["sigmoid_threshold:1d_alt", "topK:1d_alt", "magnitude:1d_alt", "l0:1d_alt"],
    ...["sigmoid_threshold:1d", "topK:1d", "sigmoid_threshold", "topK"],
  ),
  dense_block: fc.constantFrom(1, 2, 4),
  attention_output_with_dense: fc.boolean(),
  bias_mask: fc.boolean(),
  share: fc.boolean(),
  ampere_pruning_method: fc.constantFrom("disabled", "disabled", "sigmoid_threshold", "annealing"),
  linear_min_parameters: fc.constantFrom(0, 0, 0.3),
  final_threshold: fc.constantFrom(0.1, 0.5, 0.8),
  seed: fc.nat(1000),
});

function problem({ dense_block, share, seed, ...keys }: typeof settings extends fc.Arbitrary<infer S> ? S : never) {
  const share_pruning_scores = share && !keys.attention_pruning_method.endsWith(":joint");
  const all = { ...keys, dense_block_rows: dense_block, dense_block_cols: dense_block, share_pruning_scores };
  const layout = scoreLayout(config, fromNnPruning(all as NnPruningKeys));
  const { normal } = generator(seed);
  const weights = initWeights(config, { seed, std: 0.5 });
  for (const { name } of layout.modules) {
    const bias = weights[`${name}.bias`]!.data;
    for (const i of bias.keys()) bias[i] = normal();
  }
  const scores = initialScores(layout);
  for (const { data } of Object.values(scores)) for (const i of data.keys()) data[i] = normal();
  return { layout, weights, scores, threshold: keys.final_threshold };
}

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("dense weights (%s)", (_, compile) => {
  test("are what weights and gates of tensors come to, in any layout and method", async () => {
    const same = async (drawn: Parameters<typeof problem>[0]) => {
      const { layout, weights, scores, threshold } = problem(drawn);
      const run = compile(
        ({ weights, scores, threshold }: { weights: Tensors; scores: Tensors; threshold: tf.Scalar }) => {
          const masked = applyMasks(layout, weights, scores, threshold);
          return Object.fromEntries(
            layout.modules.flatMap(({ name }) => [
              [`${name}.weight`, multiplied(masked.weights[`${name}.weight`]!, masked.gates[name])],
              [`${name}.bias`, masked.weights[`${name}.bias`]!],
            ]),
          );
        },
      );
      const actual = await run({ weights, scores, threshold });
      await run.dispose();
      const masks = hostMasks(layout, { ...weights, ...scores }, threshold);
      const dense = denseWeights(layout, weights, masks);
      for (const [name, { data }] of Object.entries(actual as Record<string, NDArray>)) {
        expect(difference(data, dense[name]!.data), name).toBeLessThan(1e-6);
      }
    };
    await fc.assert(fc.asyncProperty(settings, same), { numRuns: 40, seed: 1 });
  });

  test("by rows times columns: gradients follow the product, straight through the mask", async () => {
    const layout = scoreLayout(
      config,
      fromNnPruning({
        attention_pruning_method: "sigmoid_threshold:1d",
        attention_block_rows: 2,
        attention_block_cols: 4,
      }),
    );
    const { normal } = generator(3);
    const weights = initWeights(config, { seed: 1, std: 0.5 });
    const scores = initialScores(layout);
    for (const { data } of Object.values(scores)) for (const i of data.keys()) data[i] = normal();
    const query = "encoder.layer.0.attention.self.query";
    const dy = ndarray(Float32Array.from({ length: 64 }, normal), [8, 8]);
    const run = compile(({ weights, scores, dy }: { weights: Tensors; scores: Tensors; dy: tf.Tensor }) =>
      valueAndGradients(
        (leaves) => tf.sum(tf.mul(applyMasks(layout, weights, leaves, tf.scalar(0.5)).weights[`${query}.weight`]!, dy)),
        scores,
      ),
    );
    const { gradients } = await run({ weights, scores, dy });
    await run.dispose();
    const [rows, columns] = [0, 1].map((at) => `${query}.mask_module.context_modules.${at}.mask_scores`) as [
      string,
      string,
    ];
    const [r, c] = [scores[rows]!.data, scores[columns]!.data];
    const wanted = { [rows]: new Float64Array(4), [columns]: new Float64Array(2) };
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < 8; j++) {
        const [row, column] = [Math.floor(i / 2), Math.floor(j / 4)];
        const slope = dy.data[i * 8 + j]! * weights[`${query}.weight`]!.data[i * 8 + j]!;
        wanted[rows]![row]! += slope * c[column]!;
        wanted[columns]![column]! += slope * r[row]!;
      }
    }
    for (const [name, values] of Object.entries(wanted)) {
      expect(difference(gradients[name]!.data, values)).toBeLessThan(1e-5);
    }
  });

  test("by magnitude: the smallest go, weights learn where they stay, nothing learns through the mask", async () => {
    const layout = scoreLayout(
      config,
      fromNnPruning({
        ...{ attention_pruning_method: "magnitude", attention_block_rows: 4, attention_block_cols: 8 },
        ...{ dense_pruning_method: "disabled", final_threshold: 0.5 },
      }),
    );
    expect(layout.scores.map(({ trained, shape }) => [trained, shape])).toEqual([
      [false, [2, 1]],
      [false, [2, 1]],
      [false, [2, 1]],
      [false, [1, 2]],
    ]);
    expect(initialScores(layout)).toEqual({});
    const weights = initWeights(config, { seed: 1, std: 0.5 });
    const value = "encoder.layer.0.attention.self.value";
    const data = weights[`${value}.weight`]!.data as Float32Array;
    for (let i = 0; i < 32; i++) data[i]! *= 0.1; // head 0
    const run = compile(({ weights }: { weights: Tensors }) => {
      const { value: sum, gradients } = valueAndGradients((leaves) => {
        const masked = applyMasks(layout, leaves, {}, tf.scalar(0.5));
        return tf.sum(multiplied(masked.weights[`${value}.weight`]!, masked.gates[value]));
      }, weights);
      return { sum, gradient: gradients[`${value}.weight`]! };
    });
    const { gradient } = await run({ weights });
    await run.dispose();
    expect(Array.from(gradient.data)).toEqual([...Array<number>(32).fill(0), ...Array<number>(32).fill(1)]);
  });
});

test("masks by magnitude say which weights they need", () => {
  const layout = scoreLayout(
    config,
    fromNnPruning({ dense_pruning_method: "magnitude:1d_alt", attention_block_rows: 8, attention_block_cols: 8 }),
  );
  expect(() => hostMasks(layout, initialScores(layout), 0.5)).toThrow(
    "magnitudes: expected encoder.layer.0.intermediate.dense.weight among the parameters, got none of that name",
  );
});

/** A weight under a gate on its outputs or inputs. */
function multiplied(weight: tf.Tensor, { rows, columns }: Gate = {}): tf.Tensor {
  const [outputs, inputs] = weight.shape as [number, number];
  const spread = (gate: tf.Tensor, size: number) =>
    tf.reshape(tf.mul(tf.reshape(gate, [gate.size, 1]), tf.ones([1, size / gate.size])), [size]);
  const tall = rows ? tf.mul(weight, tf.reshape(spread(rows, outputs), [outputs, 1])) : weight;
  return columns ? tf.mul(tall, tf.reshape(spread(columns, inputs), [1, inputs])) : tall;
}

test("a module without a mask is named", () => {
  const layout = scoreLayout(config, fromNnPruning({ attention_block_rows: 4, attention_block_cols: 8 }));
  expect(() => denseWeights(layout, {}, {})).toThrow("denseWeights: expected a mask of encoder.layer.0.");
  expect(() => densitiesOf(layout, {})).toThrow("densitiesOf: expected a mask of encoder.layer.0.");
});
