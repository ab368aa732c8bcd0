import { linear } from "@pruning-bias/model";
import { describeGolden } from "@pruning-bias/oracle";
import { applyMasks, binarise, fromNnPruning, maskLinear, type MethodName, scoreLayout } from "@pruning-bias/pruning";
import { type NDArray, tf, valueAndGradients } from "@pruning-bias/runtime";
import { expect, test } from "vitest";
import { blockGrid } from "../src/grid.ts";
import { array, backends, difference, expand, farFrom, flat, type Nested, readCases } from "./fixtures.ts";

interface Settings {
  readonly method: string;
  readonly shape: readonly [number, number];
  readonly block: readonly [number, number];
  readonly threshold: number;
  readonly min_elements: number;
  readonly bias_mask: boolean;
}

type Arrays = Readonly<Record<string, Nested>>;
type Tensors = Readonly<Record<string, tf.Tensor>>;

describeGolden("a masked linear layer", "masks.json", (path) => {
  const cases = readCases<Settings, Arrays, Arrays & { readonly error?: string }>(path, "masked linear");
  const keys = ["attention_block_rows", "attention_block_cols"] as const;

  for (const { name, settings } of cases.filter(({ expected }) => expected.error !== undefined)) {
    test(`${name}`, () => {
      expect(() => blockGrid({ ...settings, module: "query", keys })).toThrow(
        /^attention_block_(rows|cols): \d+ does not divide \d+ (rows|columns) of query \(\d+×\d+\)$/,
      );
    });
  }

  for (const { name, settings, inputs, expected } of cases.filter(({ expected }) => expected.error === undefined)) {
    const { method, shape, threshold, min_elements: minElements, bias_mask: biasMask } = settings;
    test.each(backends)(`${name} (%s)`, async (_, compile) => {
      const grid = blockGrid({ module: name, shape, block: settings.block, keys });
      const run = compile(({ x, grad_y, ...parameters }: Tensors) => {
        const forward = ({ scores, weight, bias, x }: Tensors) => {
          const mask = binarise(scores!, tf.scalar(threshold), { method: method as MethodName, minElements });
          const masked = maskLinear({ weight: weight!, bias: bias! }, mask, { biasMask });
          return { mask, y: linear(x as tf.Tensor2D, masked.weight as tf.Tensor2D, masked.bias!, masked.gate) };
        };
        const { gradients } = valueAndGradients((leaves) => tf.sum(tf.mul(forward(leaves).y, grad_y!)), {
          ...parameters,
          x: x!,
        });
        return { ...forward({ ...parameters, x: x! }), gradients };
      });
      const { mask, y, gradients } = await run(arrays(inputs));
      await run.dispose();
      const full = expand(mask.data, grid, shape);
      expect(difference(full, flat(expected["mask"]!))).toBeLessThanOrEqual(method === "l0" ? 1e-6 : 0);
      expect(difference(y.data, flat(expected["y"]!))).toBeLessThan(1e-6);
      const wanted = ["scores", "weight", "bias", "x"].map((of) => [of, flat(expected[`grad_${of}`]!)] as const);
      expect(farFrom(gradients, wanted, 1e-6)).toEqual([]);
    });
  }
});

describeGolden("a feed-forward network gated by neurons", "masks.json", (path) => {
  const cases = readCases<{ method: string; threshold: number }, Arrays, Arrays>(path, "feed forward 1d_alt");
  for (const { name, settings, inputs, expected } of cases) {
    test.each(backends)(`${name} (%s)`, async (_, compile) => {
      const [inner, width] = array(inputs["intermediate_weight"]!).shape as [number, number];
      const layout = scoreLayout(
        { hidden_size: width, intermediate_size: inner, num_hidden_layers: 1, num_attention_heads: 1 },
        fromNnPruning({
          attention_pruning_method: "disabled",
          dense_pruning_method: `${settings.method}:1d_alt` as never,
        }),
      );
      const names: Record<string, string> = {
        scores: layout.scores[0]!.name,
        intermediate_weight: "encoder.layer.0.intermediate.dense.weight",
        intermediate_bias: "encoder.layer.0.intermediate.dense.bias",
        output_weight: "encoder.layer.0.output.dense.weight",
        output_bias: "encoder.layer.0.output.dense.bias",
      };
      const run = compile(({ x, grad_y, ...parameters }: Tensors) => {
        const forward = (leaves: Tensors) => {
          const named = Object.fromEntries(Object.entries(leaves).map(([key, tensor]) => [names[key]!, tensor]));
          const { weights, gates } = applyMasks(layout, named, named, tf.scalar(settings.threshold));
          const dense = (x: tf.Tensor2D, module: string) =>
            linear(x, weights[`${module}.weight`] as tf.Tensor2D, weights[`${module}.bias`]!, gates[module]);
          const hidden = tf.tanh(dense(x as tf.Tensor2D, "encoder.layer.0.intermediate.dense"));
          return dense(hidden, "encoder.layer.0.output.dense");
        };
        const { gradients } = valueAndGradients((leaves) => tf.sum(tf.mul(forward(leaves), grad_y!)), parameters);
        return { y: forward(parameters), gradients };
      });
      const { y, gradients } = await run(arrays(inputs));
      await run.dispose();
      expect(difference(y.data, flat(expected["y"]!))).toBeLessThan(1e-6);
      const wanted = Object.keys(names).map((of) => [of, flat(expected[`grad_${of}`]!)] as const);
      expect(farFrom(gradients, wanted, 1e-6)).toEqual([]);
    });
  }
});

const arrays = (inputs: Arrays): Record<string, NDArray> =>
  Object.fromEntries(Object.entries(inputs).map(([name, nested]) => [name, array(nested)]));
