import { eager, jit, ndarray, type NDArray, type tf, valueAndGradients } from "@pruning-bias/runtime";
import { describe, expect, test } from "vitest";
import { initialScores } from "./initial.ts";
import { scoreLayout, trainedScores } from "./layout.ts";
import { fromNnPruning } from "./nn-pruning.ts";
import { regulariser, regulariserGroups } from "./regulariser.ts";
import { parsePruningSettings } from "./settings.ts";

const sizes = { hidden_size: 2, intermediate_size: 2, num_hidden_layers: 1, num_attention_heads: 2 };
const heads = { attention_block_rows: 1, attention_block_cols: 2 };
type Scores = Readonly<Record<string, tf.Tensor>>;

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("the regulariser (%s)", (_, compile) => {
  test("by hand: σ(ln 3) = ¾, one of four attention tensors so, λ 2 and ½", async () => {
    const settings = fromNnPruning({ ...heads, attention_lambda: 2, dense_lambda: 0.5 });
    const layout = scoreLayout(sizes, settings);
    const first = layout.scores[0]!.name;
    const scores = { ...initialScores(layout), [first]: ndarray(new Float32Array(2).fill(Math.log(3)), [2, 1]) };
    const run = compile((scores: Scores) => ({
      groups: regulariserGroups(layout, settings, scores) as Record<string, tf.Scalar>,
      ...valueAndGradients((leaves) => regulariser(layout, settings, leaves), scores),
    }));
    const { value, groups, gradients } = await run(scores);
    // attention: 2/2 · (¾ + ½ + ½ + ½)/4; dense: ½/2 · ½.
    expect(groups["attention"]!.data[0]).toBeCloseTo(0.5625, 6);
    expect(groups["dense"]!.data[0]).toBeCloseTo(0.125, 6);
    expect(value.data[0]).toBeCloseTo(0.6875, 6);
    // σ′ = ¾·¼, in a mean of 2 scores in a mean of 4 tensors.
    expect(gradients[first]!.data[0]).toBeCloseTo(0.1875 / 8, 6);
  });

  test("fixed scores count the same whether they are given or left out", async () => {
    const settings = fromNnPruning({ ...heads, prune_values_only: true });
    const layout = scoreLayout(sizes, settings);
    const run = compile((scores: Scores) => ({ total: regulariser(layout, settings, scores) }));
    const total = async (scores: Record<string, NDArray>) => (await run(scores)).total.data[0];
    const all = initialScores(layout);
    // query and key 1, value and output ½; dense ½.
    expect(await total(all)).toBeCloseTo(((1 + 1 + 0.5 + 0.5) / 4 + 0.5) / 2, 6);
    expect(await total(trainedScores(layout, all))).toBeCloseTo((await total(all))!, 6);
  });
});

test("without regularisation it is 0, and missing scores are named", () => {
  const settings = parsePruningSettings({ regularization: "none", attention: { block: [1, 2] } });
  const layout = scoreLayout(sizes, settings);
  expect(regulariser(layout, settings, {}).dataSync()[0]).toBe(0);
  expect(() => regulariser(layout, { ...settings, regularization: "l1" }, {})).toThrow(
    "regulariser: expected scores encoder.layer.0.attention.self.query.mask_module.context_modules.0.mask_scores, got none",
  );
});
