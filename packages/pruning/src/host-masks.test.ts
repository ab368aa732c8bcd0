import { eager, jit, ndarray, type NDArray, tf } from "@pruning-bias/runtime";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { difference } from "../test/fixtures.ts";
import { headsOpen, openHeads } from "./heads.ts";
import { hostMasks, undecided } from "./host-masks.ts";
import { gateSets } from "./gate-sets.ts";
import { initialScores } from "./initial.ts";
import { scoreLayout } from "./layout.ts";
import { type Binariser, binarise, hostBinarise } from "./methods.ts";
import { fromNnPruning } from "./nn-pruning.ts";

const sizes = { hidden_size: 4, intermediate_size: 6, num_hidden_layers: 2, num_attention_heads: 2 };
const layer = (index: number, module: string) => `encoder.layer.${index}.${module}`;
const scoreOf = (module: string) => `${module}.mask_module.context_modules.0.mask_scores`;

test("masks are counted module by module, a neuron in both matrices", () => {
  const layout = scoreLayout(sizes, fromNnPruning({ attention_block_rows: 2, attention_block_cols: 4 }));
  const scores: Record<string, NDArray> = {
    ...initialScores(layout),
    [scoreOf(layer(0, "attention.self.value"))]: ndarray(Float32Array.of(-5, 1), [2, 1]),
    [scoreOf(layer(1, "intermediate.dense"))]: ndarray(Float32Array.of(-5, 1, 1, -5, 1, 1), [6]),
  };
  const masks = hostMasks(layout, scores, 0.1);
  expect(masks[layer(0, "attention.self.value")]).toEqual({
    shape: [2, 1],
    mask: Uint8Array.of(0, 1),
    values: Uint8Array.of(0, 1),
    open: 1,
    total: 2,
  });
  expect(masks[layer(1, "intermediate.dense")]).toMatchObject({ shape: [6, 1], open: 4, total: 6 });
  expect(masks[layer(1, "output.dense")]).toMatchObject({ shape: [1, 6], open: 4, total: 6 });
  expect(headsOpen(layout, masks)).toEqual([1, 2]);
});

test("scores near the one where a mask flips are undecided; fixed ones never are", () => {
  const keys = { attention_block_rows: 2, attention_block_cols: 4, prune_values_only: true };
  const layout = scoreLayout(sizes, fromNnPruning(keys));
  const logit = Math.log(0.1 / 0.9);
  const scores = {
    [scoreOf(layer(0, "attention.self.value"))]: ndarray(Float32Array.of(logit + 0.09, logit - 0.09), [2, 1]),
    [scoreOf(layer(1, "attention.self.value"))]: ndarray(Float32Array.of(logit + 0.11, logit + 5), [2, 1]),
  };
  expect(undecided(layout, scores, 0.1)).toBe(2);
  expect(undecided(layout, scores, 0.1, 0.2)).toBe(3);
  expect(undecided(layout, scores, 0)).toBe(0);
});

describe("open heads", () => {
  const layout = scoreLayout(sizes, fromNnPruning({ attention_block_rows: 1, attention_block_cols: 2 }));
  const scores = initialScores(layout);
  const close = (module: string, ...indices: number[]) => {
    const name = scoreOf(module);
    const { data, shape } = scores[name]!;
    scores[name] = ndarray(
      (data as Float32Array).map((score, index) => (indices.includes(index) ? -9 : score)),
      shape,
    );
  };
  close(layer(0, "attention.self.value"), 0, 1, 2, 3); // rows 0 and 1: head 0
  close(layer(0, "attention.self.query"), 4, 5, 6, 7); // rows 2 and 3: head 1
  close(layer(1, "attention.self.value"), 0, 1, 2); // one block of head 0 is left
  close(layer(1, "attention.output.dense"), 2, 3, 6, 7); // columns 2 and 3 (swapped blocks 2×1): head 1
  const masks = hostMasks(layout, scores, 0.1);

  test("are those that contribute to the output", () => {
    expect(openHeads(layout, masks)).toEqual([
      [false, true],
      [true, false],
    ]);
    expect(openHeads({ ...layout, biasMask: false }, masks)[0]).toEqual([true, true]);
  });

  test("or those that nn_pruning would keep, head 0 where it would keep none", () => {
    expect(openHeads(layout, masks, "reference")).toEqual([
      [true, false],
      [true, true],
    ]);
  });
});

const binarisers: Binariser[] = [
  { method: "sigmoid_threshold", minElements: 0 },
  { method: "sigmoid_threshold", minElements: 0.4 },
  { method: "threshold", minElements: 0 },
  { method: "topK", minElements: 0 },
  { method: "l0", minElements: 0 },
];

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("masks on the host and of tensors (%s)", (_, compile) => {
  test.each(binarisers)("are the same: $method, at least $minElements", async (binariser) => {
    const run = compile(({ scores, threshold }: { scores: tf.Tensor; threshold: tf.Scalar }) => ({
      mask: binarise(scores, threshold, binariser),
    }));
    // Tenths, so that ties and scores on the threshold occur.
    const tenths = fc.array(fc.integer({ min: -30, max: 30 }), { minLength: 6, maxLength: 6 });
    const same = async (drawn: number[], threshold: number) => {
      const scores = ndarray(
        Float32Array.from(drawn, (tenth) => tenth / 10),
        [2, 3],
      );
      const { mask } = await run({ scores, threshold });
      const onHost = Array.from(hostBinarise(scores, threshold, binariser).data);
      expect(difference(mask.data, onHost)).toBeLessThanOrEqual(binariser.method === "l0" ? 1e-6 : 0);
    };
    await fc.assert(fc.asyncProperty(tenths, fc.constantFrom(0, 0.1, 0.5, 2 / 3, 1), same), { numRuns: 60, seed: 1 });
    await run.dispose();
  });
});

test("scores that are no numbers, and sets of what are no gates, are refused", () => {
  const blocks = fromNnPruning({ attention_block_rows: 2, attention_block_cols: 2 });
  const layout = scoreLayout(sizes, blocks);
  const name = scoreOf(layer(0, "attention.self.value"));
  const scores = { ...initialScores(layout), [name]: ndarray(Float32Array.of(0, NaN, 0, 0), [2, 2]) };
  expect(() => hostMasks(layout, scores, 0.1)).toThrow(`scores: ${name}: expected numbers, got NaN`);
  expect(() => gateSets(layout, new Set([name]), [scores], 0.1)).toThrow(
    `gateSets: expected tensors of gates, got ${name}`,
  );
  expect(() => gateSets(layout, new Set(), [], 0.1)).toThrow("gateSets: expected candidates, got none");
});
