import { initWeights, parseConfig } from "@pruning-bias/model";
import { eager, tf } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { scoreLayout } from "./layout.ts";
import { hostMagnitudes, magnitudes } from "./magnitudes.ts";
import { fromNnPruning } from "./nn-pruning.ts";

const config = parseConfig({
  ...{ model_type: "bert", vocab_size: 9, hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2 },
  ...{ intermediate_size: 12, max_position_embeddings: 8 },
});
const weights = initWeights(config, { seed: 1, std: 0.4 });

describe.each([{ compat: "reference" }, {}] as const)("magnitudes of neurons, %o", (compat) => {
  const layout = scoreLayout(
    config,
    fromNnPruning({ attention_pruning_method: "disabled", dense_pruning_method: "magnitude:1d_alt" }, compat),
  );
  const tensor = layout.scores[0]!;
  const host = hostMagnitudes(layout, weights)[tensor.name]!;

  it("are means over their rows and columns", () => {
    expect(host.shape).toEqual([12]);
    const [W, V] = ["intermediate.dense", "output.dense"].map(
      (name) => weights[`encoder.layer.0.${name}.weight`]!.data,
    );
    const mean = (at: (i: number) => number) =>
      Array.from({ length: 8 }, (_, i) => Math.abs(at(i))).reduce((a, b) => a + b) / 8;
    const own = [mean((i) => W![11 * 8 + i]!), mean((i) => V![i * 12 + 11]!)];
    const shared = tensor.magnitudeOf!.length === 2;
    expect(host.data[11]).toBeCloseTo(shared ? (own[0]! + own[1]!) / 2 : own[0]!, 6);
  });

  it("are the same as tensors", async () => {
    const run = eager((inputs: Record<string, tf.Tensor>) => magnitudes(tensor, inputs));
    const { data, shape } = await run(weights);
    expect(shape).toEqual([12]);
    host.data.forEach((value, n) => expect(data[n]).toBeCloseTo(value, 6));
  });
});
