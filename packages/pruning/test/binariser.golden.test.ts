import { describeGolden } from "@pruning-bias/oracle";
import {
  annealed,
  applyMasks,
  bestTwo,
  binarise,
  hostBinarise,
  hostMasks,
  type Layout,
  type MethodName,
  patterns,
} from "@pruning-bias/pruning";
import { type NDArray, ndarray, tf } from "@pruning-bias/runtime";
import { describe, expect, test } from "vitest";
import { array, backends, difference, flat, type Nested, readCases } from "./fixtures.ts";

interface Settings {
  readonly method: string;
  readonly threshold?: number;
  readonly min_elements?: number;
}

interface VectorSettings extends Settings {
  readonly layout: "1d" | "1d_alt";
  readonly shape: readonly [number, number];
  readonly threshold: number;
}

describeGolden("masks of scores", "masks.json", (path) => {
  type Inputs = { readonly scores?: Nested; readonly weight?: Nested };
  for (const { name, settings, inputs, expected } of readCases<Settings, Inputs, { mask: Nested }>(path, "binarizer")) {
    test(name, async () => {
      // Magnitudes are the scores of the method that has none.
      const scores = inputs.scores ? array(inputs.scores) : absolute(array(inputs.weight!));
      const masks = await everyWay(scores, settings);
      const reference = flat(expected.mask);
      const soft = settings.method === "l0";
      const closed = (mask: number[]) => mask.filter((bit) => bit === 0).length;
      const sorted = Array.from(scores.data).toSorted((a, b) => a - b);
      const k = Math.max(scores.data.length - Math.floor((settings.min_elements ?? 0) * scores.data.length) - 1, 1);
      // nn_pruning drops every score equal to the k-th smallest, ours only as many as it takes.
      const tied = settings.min_elements && sorted[k] === sorted[k - 1] && closed(reference) > k;
      for (const mask of masks) {
        expect(difference(mask, masks[0]!)).toBeLessThanOrEqual(soft ? 1e-6 : 0);
        const fewer = mask.every((bit, i) => bit >= reference[i]!) && closed(mask) === k;
        expect(tied ? fewer : difference(mask, reference) <= (soft ? 1e-6 : 0)).toBe(true);
      }
    });
  }
});

describeGolden("masks of score vectors", "masks.json", (path) => {
  type Inputs = { row: Nested | null; col: Nested | null };
  type Vectors = Record<"rows" | "columns", Nested | null>;
  const openIn = (mask: readonly number[]) => mask.reduce((sum, bit) => sum + bit, 0);
  for (const { name, settings, inputs, expected } of readCases<VectorSettings, Inputs, { mask: Nested }>(
    path,
    "score vectors",
  )) {
    const counted = settings.method === "topK" || settings.min_elements !== 0;
    const vectors = { rows: inputs.row, columns: inputs.col };
    test(`${name}${counted ? " (compat)" : ""}`, async () => {
      const reference = flat(expected.mask);
      const product = flat(expected.mask).map((_, i) => productAt(vectors, settings, i));
      for (const mask of await everyModuleMask(vectors, settings, true)) {
        // Where elements of the product tie, torch's sort keeps any of them and its min_elements none; ours the first.
        const differing = Array.from(mask.keys()).filter((i) => mask[i] !== reference[i]);
        expect(new Set(differing.map((i) => product[i])).size).toBeLessThanOrEqual(counted ? 1 : 0);
        const asMany = openIn(mask) === openIn(reference);
        expect(settings.method === "topK" ? asMany : mask.every((bit, i) => bit >= reference[i]!)).toBe(true);
      }
    });

    // By default a neuron is open or closed as a whole, and as many as the reference counts of weights.
    if (!counted) continue;
    test(`${name} (ours counts neurons)`, async () => {
      const scores = flat((inputs.row ?? inputs.col)!);
      const { method, threshold, min_elements: least = 0 } = settings;
      const n = scores.length;
      const count = method === "topK" ? Math.floor(threshold * n) : Math.min(Math.floor(least * n) + 1, n - 1);
      const ranked = Array.from(scores.keys()).toSorted((a, b) => scores[b]! - scores[a]! || a - b);
      const open = new Set(ranked.slice(0, count));
      const [rows, columns] = settings.shape;
      const wanted = Array.from({ length: rows * columns }, (_, i) => {
        const [row, column] = [Math.floor(i / columns), i % columns];
        return Number(open.has(inputs.row ? Math.floor((row * n) / rows) : Math.floor((column * n) / columns)));
      });
      for (const mask of await everyModuleMask(vectors, settings, false)) expect(mask).toEqual(wanted);
    });
  }

  /** S of a weight: its row's score times its column's, ones where there is no vector. */
  function productAt({ rows, columns }: Vectors, { shape: [outputs, inputs] }: VectorSettings, index: number): number {
    const [row, column] = [Math.floor(index / inputs), index % inputs];
    const at = (vector: Nested | null, position: number, size: number) =>
      vector === null ? 1 : flat(vector)[Math.floor((position * flat(vector).length) / size)]!;
    return at(rows, row, outputs) * at(columns, column, inputs);
  }

  /** The mask over the weights of one linear layer under vectors, on the host and from tensors. */
  async function everyModuleMask(
    { rows, columns }: Vectors,
    { shape, layout, method, threshold, min_elements: minElements = 0 }: VectorSettings,
    product: boolean,
  ): Promise<number[][]> {
    const vectors = Object.entries({ rows, columns }).flatMap(([name, values]) =>
      values === null ? [] : [[name, array(values)] as const],
    );
    const binariser = { method: method as MethodName, minElements };
    const sizes = { hidden_size: 1, intermediate_size: 1, num_hidden_layers: 1, num_attention_heads: 1 };
    const own = (values: Nested | null) => (values === null ? 1 : flat(values).length);
    const layoutOf = (source: Layout["modules"][number]["source"], grid: readonly [number, number]): Layout => ({
      ...{ sizes, biasMask: true, ampere: "disabled", tied: [] },
      modules: [
        { ...{ name: "m", layer: 0, role: "query", shape, grid, source, binariser, ampere: undefined, entries: [] } },
      ],
      scores: vectors.map(([name, { shape: vector }]) => ({
        ...{ ...binariser, name, shape: vector, group: "dense", kind: "mask" },
        ...{ initial: 0, init: "constant", trained: true, open: false },
      })),
    });
    const [single] = vectors;
    // The reference multiplies a vector with ones, of which its blocks are one wide in these cases.
    const made =
      product || layout === "1d"
        ? layoutOf(
            {
              kind: "product",
              rows: rows === null ? undefined : "rows",
              columns: columns === null ? undefined : "columns",
            },
            [rows === null ? shape[0] : own(rows), columns === null ? shape[1] : own(columns)],
          )
        : layoutOf({ kind: "blocks", scores: single![0], transposed: false }, [own(rows), own(columns)]);
    const scores = Object.fromEntries(vectors);
    const { mask, shape: over } = hostMasks(made, scores, threshold)["m"]!;
    const spread = Array.from({ length: shape[0] * shape[1] }, (_, i) => {
      const row = Math.floor((Math.floor(i / shape[1]) * over[0]) / shape[0]);
      return mask[row * over[1] + Math.floor(((i % shape[1]) * over[1]) / shape[1])]!;
    });
    const masks = [spread];
    const [outputs, inputs] = shape;
    for (const [, compile] of backends) {
      const run = compile(({ scores, threshold }: { scores: Record<string, tf.Tensor>; threshold: tf.Scalar }) => {
        const { weights, gates } = applyMasks(made, { "m.weight": tf.ones([outputs, inputs]) }, scores, threshold);
        const { rows, columns } = gates["m"] ?? {};
        const gate = (entries: tf.Tensor, size: number) => {
          const tall = tf.broadcastTo(tf.reshape(entries, [entries.size, 1]), [entries.size, size / entries.size]);
          return tf.reshape(tall, [size]);
        };
        let mask: tf.Tensor = weights["m.weight"]!;
        if (rows) mask = tf.mul(mask, tf.reshape(gate(rows, outputs), [outputs, 1]));
        if (columns) mask = tf.mul(mask, tf.reshape(gate(columns, inputs), [1, inputs]));
        return { mask };
      });
      masks.push(Array.from((await run({ scores, threshold })).mask.data));
      await run.dispose();
    }
    return masks;
  }
});

describeGolden("2:4 sparsity", "masks.json", (path) => {
  interface Ampere {
    readonly method: "sigmoid_threshold" | "annealing";
    readonly training: boolean;
    readonly temperature?: number;
  }
  type Inputs = { readonly scores: Nested; readonly patterns?: readonly number[][] };
  for (const { name, settings, inputs, expected } of readCases<Ampere, Inputs, { mask: Nested }>(path, "ampere")) {
    const { method, training, temperature = 0 } = settings;
    test.each(backends)(`${name} (%s)`, async (_, compile) => {
      const run = compile(({ scores, temperature }: { scores: tf.Tensor; temperature: tf.Scalar }) => {
        const at = training ? temperature : undefined;
        return method === "annealing" ? annealed(scores as tf.Tensor3D, at) : bestTwo(scores as tf.Tensor2D, at);
      });
      const given = array(inputs.scores);
      const mask = await run({ scores: inputs.patterns ? reordered(given, inputs.patterns) : given, temperature });
      await run.dispose();
      expect(difference(mask.data, flat(expected.mask))).toBeLessThan(1e-6);
      expect(mask.shape).toEqual(array(expected.mask).shape);
    });
  }

  /** Scores of patterns in the order of a Python set, in the order of ours. */
  function reordered({ data, shape }: NDArray, order: readonly number[][]): NDArray {
    const from = patterns.map((pattern) => order.findIndex((other) => other.join() === pattern.join()));
    return ndarray(
      Float32Array.from(data, (_, i) => data[i - (i % 6) + from[i % 6]!]!),
      shape,
    );
  }
});

describe("the gradient of a mask", () => {
  test.each(backends)("reaches open and closed scores unchanged (%s)", async (_, compile) => {
    const run = compile(({ scores, dy }: { scores: tf.Tensor; dy: tf.Tensor }) => {
      const loss = (s: tf.Tensor) =>
        tf.sum(tf.mul(binarise(s, tf.scalar(0.5), { method: "sigmoid_threshold", minElements: 0 }), dy));
      return { gradient: tf.grad(loss)(scores) };
    });
    const { gradient } = await run({
      scores: array([
        [-3, 2],
        [0, 1],
      ]),
      dy: array([
        [1, -2],
        [3, 0.5],
      ]),
    });
    expect(Array.from(gradient.data)).toEqual([1, -2, 3, 0.5]);
  });
});

/** The mask on the host, eagerly, compiled. */
async function everyWay(scores: NDArray, { method, threshold = 0, min_elements }: Settings): Promise<number[][]> {
  const binariser = { method: method as MethodName, minElements: min_elements ?? 0 };
  const masks = [Array.from(hostBinarise(scores, threshold, binariser).data)];
  for (const [, compile] of backends) {
    const run = compile(({ scores, threshold }: { scores: tf.Tensor; threshold: tf.Scalar }) => ({
      mask: binarise(scores, threshold, binariser),
    }));
    masks.push(Array.from((await run({ scores, threshold })).mask.data));
    await run.dispose();
  }
  return masks;
}

const absolute = ({ data, shape }: NDArray): NDArray => ndarray(Float32Array.from(data, Math.abs), shape);
