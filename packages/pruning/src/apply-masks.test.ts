import { type BertConfig, encode, initWeights, parseConfig } from "@pruning-bias/model";
import { eager, generator, jit, ndarray, type NDArray, tf, valueAndGradients } from "@pruning-bias/runtime";
import { describe, expect, test } from "vitest";
import { difference, farFrom } from "../test/fixtures.ts";
import { applyMasks } from "./apply-masks.ts";
import { hostMasks } from "./host-masks.ts";
import { initialScores } from "./initial.ts";
import { type Layout, scoreLayout, trainedScores } from "./layout.ts";
import { fromNnPruning, type NnPruningKeys } from "./nn-pruning.ts";

const config: BertConfig = parseConfig({
  model_type: "bert",
  vocab_size: 11,
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 12,
  max_position_embeddings: 8,
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
});
const weights = initWeights(config, { seed: 1, std: 0.4 });
for (const [name, { data }] of Object.entries(weights)) if (name.endsWith(".bias")) noise(data as Float32Array, 2, 0.3);
const batch = {
  inputIds: ndarray(Int32Array.of(2, 5, 7, 3, 2, 9, 3, 0), [2, 4]),
  attentionMask: ndarray(Int32Array.of(1, 1, 1, 1, 1, 1, 1, 0), [2, 4]),
};

type Tensors = Readonly<Record<string, tf.Tensor>>;
interface Inputs {
  readonly weights: Tensors;
  readonly scores: Tensors;
  readonly threshold: tf.Scalar;
  readonly batch: { readonly inputIds: tf.Tensor2D; readonly attentionMask: tf.Tensor2D };
}

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("an encoder under its masks (%s)", (_, compile) => {
  test.each<[string, NnPruningKeys]>([
    ["blocks", { attention_block_rows: 4, attention_block_cols: 2 }],
    ["whole heads", { attention_block_rows: 4, attention_block_cols: 8 }],
    ["whole matrices", { attention_block_rows: 8, attention_block_cols: 8 }],
    [
      "joint scores, read the other way by the output",
      { attention_pruning_method: "sigmoid_threshold:joint", attention_block_rows: 4, attention_block_cols: 2 },
    ],
    ["shared scores", { attention_block_rows: 4, attention_block_cols: 8, share_pruning_scores: true }],
    [
      "blocks everywhere",
      {
        attention_block_rows: 4,
        attention_block_cols: 4,
        dense_pruning_method: "sigmoid_threshold",
        dense_block_rows: 2,
        dense_block_cols: 4,
        attention_output_with_dense: true,
      },
    ],
  ])("%s: as with masked weights, and gradients by block sums", async (_, keys) => {
    const threshold = 0.4;
    const layout = scoreLayout(config, fromNnPruning(keys));
    const scores = initialScores(layout);
    for (const { data } of Object.values(scores)) noise(data as Float32Array, 3, 1);
    const gated = compile(({ weights, scores, threshold, batch }: Inputs) =>
      valueAndGradients((leaves) => {
        const { weights: masked, gates } = applyMasks(layout, weights, leaves, threshold);
        return tf.sum(tf.square(encode(config, masked, batch, { gates }).at(-1)!.slice([0, 0, 0], [2, 3, 4])));
      }, scores),
    );
    const plain = compile(({ weights, batch }: Pick<Inputs, "weights" | "batch">) =>
      valueAndGradients(
        (leaves) => tf.sum(tf.square(encode(config, leaves, batch).at(-1)!.slice([0, 0, 0], [2, 3, 4]))),
        weights,
      ),
    );
    const actual = await gated({ weights, scores, threshold, batch });
    const expected = await plain({ weights: maskedWeights(layout, scores, threshold), batch });
    await Promise.all([gated.dispose(), plain.dispose()]);
    expect(difference(actual.value.data, expected.value.data)).toBeLessThan(1e-5);
    for (const { name, shape } of layout.scores) {
      const sums = new Float64Array(shape.reduce((a, b) => a * b, 1));
      const sharing = layout.modules.filter(({ entries }) => entries.some(({ scores }) => scores === name));
      for (const module of sharing) {
        const [weight, gradient] = [weights, expected.gradients].map((tree) => tree[`${module.name}.weight`]!.data);
        for (const [index, w] of weight!.entries()) sums[scoreOf(index, module)]! += w * gradient![index]!;
      }
      expect(farFrom(actual.gradients, [[name, sums]], 1e-4)).toEqual([]);
    }
  });

  test.each([0.1, 0.6])("fixed scores may be left out, at final threshold %d", async (final_threshold) => {
    const settings = fromNnPruning({
      attention_block_rows: 4,
      attention_block_cols: 8,
      prune_values_only: true,
      final_threshold,
    });
    const layout = scoreLayout(config, settings);
    const scores = initialScores(layout);
    const run = compile(({ weights, scores, threshold, batch }: Inputs) => {
      const { weights: masked, gates } = applyMasks(layout, weights, scores, threshold);
      return { last: encode(config, masked, batch, { gates }).at(-1)! };
    });
    const all = await run({ weights, scores, threshold: final_threshold, batch });
    const own = await run({ weights, scores: trainedScores(layout, scores), threshold: final_threshold, batch });
    await run.dispose();
    expect(difference(own.last.data, all.last.data)).toBeLessThan(1e-6);
  });
});

describe("masks while training", () => {
  const gatesOf = (keys: NnPruningKeys) => {
    const layout = scoreLayout(config, fromNnPruning({ attention_block_rows: 4, attention_block_cols: 8, ...keys }));
    const program = jit(({ weights, scores, on }: Pick<Inputs, "weights" | "scores"> & { on: tf.Tensor }, noise) => {
      const training = on.shape[0] === 1 ? { noise, temperature: tf.scalar(0.5) } : undefined;
      const masked = applyMasks(layout, weights, scores, tf.scalar(0.1), training);
      const of = (module: string) => masked.gates[`encoder.layer.0.attention.${module}`]?.rows;
      return {
        ...{ query: of("self.query") ?? tf.zeros([1]), key: of("self.key") ?? tf.zeros([1]) },
        weight: masked.weights["encoder.layer.0.attention.self.query.weight"]!,
      };
    });
    const scores = initialScores(layout);
    for (const { data } of Object.values(scores)) noise(data as Float32Array, 5, 1);
    return async (training: boolean, counter = 0) => {
      const on = ndarray(new Float32Array(training ? 1 : 2));
      const made = await program({ weights, scores, on }, { seed: 1, counter });
      return Object.fromEntries(Object.entries(made).map(([name, { data }]) => [name, Array.from(data)]));
    };
  };

  test("l0 draws once for a tensor that modules share, and anew for another key", async () => {
    const gates = gatesOf({
      ...{ attention_pruning_method: "l0", dense_pruning_method: "l0:1d_alt", share_pruning_scores: true },
    });
    const [first, again, other, evaluated] = [
      await gates(true),
      await gates(true),
      await gates(true, 1),
      await gates(false),
    ];
    expect(first!["query"]).toEqual(first!["key"]);
    expect(again).toEqual(first);
    expect(other!["query"]).not.toEqual(first!["query"]);
    expect(evaluated!["query"]).not.toEqual(first!["query"]);
    expect(evaluated).toEqual(await gates(false, 1));
  });

  test("2:4 sparsity is soft under a temperature, and two of four in evaluation", async () => {
    const gates = gatesOf({ attention_pruning_method: "disabled", ampere_pruning_method: "annealing" });
    const [training, evaluated] = [await gates(true), await gates(false)];
    expect(training["weight"]!.every((weight) => weight !== 0)).toBe(true);
    expect(evaluated["weight"]!.filter((weight) => weight !== 0)).toHaveLength(32);
  });
});

describe("applyMasks", () => {
  const layout = scoreLayout(
    config,
    fromNnPruning({ attention_block_rows: 4, attention_block_cols: 8, prune_values_only: true }),
  );
  const tensors = (arrays: Readonly<Record<string, NDArray>>) =>
    Object.fromEntries(Object.entries(arrays).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
  const name = "encoder.layer.0.attention.self.value";
  const scores = `${name}.mask_module.context_modules.0.mask_scores`;

  test("computes nothing for scores that stay open", () => {
    const given = tensors(weights);
    const { weights: masked, gates } = applyMasks(
      layout,
      given,
      tensors(trainedScores(layout, initialScores(layout))),
      tf.scalar(0.1),
    );
    expect(Object.keys(gates)).toEqual([0, 1].map((layer) => `encoder.layer.${layer}.attention.self.value`));
    const replaced = Object.keys(given).filter((key) => masked[key] !== given[key]);
    expect(replaced.sort()).toEqual([0, 1].map((layer) => `encoder.layer.${layer}.attention.self.value.bias`));
  });

  test("names what is missing or of another shape", () => {
    const given = tensors(weights);
    expect(() => applyMasks(layout, given, {}, tf.scalar(0.1))).toThrow(
      `applyMasks: expected scores ${scores}, got none`,
    );
    expect(() => applyMasks(layout, {}, tensors(initialScores(layout)), tf.scalar(0.1))).toThrow(
      "weights: expected encoder.layer.0.attention.self.query.weight, got none of that name",
    );
    const wrong = { ...tensors(initialScores(layout)), [scores]: tf.zeros([1, 2]) };
    expect(() => applyMasks(layout, given, wrong, tf.scalar(0.1))).toThrow(
      `applyMasks: ${scores}: expected shape [2,1], got [1,2]`,
    );
  });
});

function noise(data: Float32Array, seed: number, scale: number): void {
  const { normal } = generator(seed + data.length);
  for (const index of data.keys()) data[index] = scale * normal();
}

/** Index of the score over a weight. */
function blockOf(index: number, { shape, grid }: Layout["modules"][number]): number {
  const row = Math.floor((Math.floor(index / shape[1]) * grid[0]) / shape[0]);
  return row * grid[1] + Math.floor(((index % shape[1]) * grid[1]) / shape[1]);
}

/** Index of the score over a weight, where it is another: scores read the other way. */
function scoreOf(index: number, module: Layout["modules"][number]): number {
  const block = blockOf(index, module);
  const [rows, columns] = module.grid;
  const transposed = module.source?.kind === "blocks" && module.source.transposed;
  return transposed ? (block % columns) * rows + Math.floor(block / columns) : block;
}

/** Ŵ and b̂, made on the host. */
function maskedWeights(layout: Layout, scores: Readonly<Record<string, NDArray>>, threshold: number) {
  const masked: Record<string, NDArray> = { ...weights };
  const masks = hostMasks(layout, scores, threshold);
  for (const module of layout.modules) {
    const { mask, shape } = masks[module.name]!;
    const [weight, bias] = [weights[`${module.name}.weight`]!, weights[`${module.name}.bias`]!];
    const closed = (value: number, index: number) => value * mask[blockOf(index, module)]!;
    masked[`${module.name}.weight`] = ndarray((weight.data as Float32Array).map(closed), weight.shape);
    const rowOpen = (row: number) => {
      const first = Math.floor((row * shape[0]) / module.shape[0]) * shape[1];
      return Number(mask.subarray(first, first + shape[1]).includes(1));
    };
    masked[`${module.name}.bias`] = ndarray(
      (bias.data as Float32Array).map((b, row) => b * rowOpen(row)),
      bias.shape,
    );
  }
  return masked;
}
