import { definePruningMethod, initialScores, parsePruningSettings, scoreLayout } from "@pruning-bias/pruning";
import { tf } from "@pruning-bias/runtime";
import { expect, it } from "vitest";
import { gates, sameGates } from "./gates.ts";

it("masks between 0 and 1 differ by their sums, though the same gates are open", () => {
  const risen = definePruningMethod({
    ...{ name: "risen", soft: true, cutoff: () => 0 },
    mask: (scores, threshold) => tf.mul(tf.sub(1, threshold), tf.onesLike(scores)),
  });
  const sizes = { hidden_size: 4, intermediate_size: 6, num_hidden_layers: 1, num_attention_heads: 2 };
  const at = (method: "threshold" | typeof risen) => {
    const layout = scoreLayout(
      sizes,
      parsePruningSettings({ attention: { method, block: [2, 4] }, dense: { method: "disabled" } }),
    );
    return [0.25, 0.5].map((threshold) => gates(layout, initialScores(layout), threshold));
  };
  const [soft, hard] = [at(risen), at("threshold")];
  expect(soft[0]!.openBlocks).toEqual(soft[1]!.openBlocks);
  expect(sameGates(soft[0]!, soft[1]!)).toBe(false);
  expect(hard[0]!.maskSums).toEqual(hard[0]!.openBlocks);
  expect(sameGates(hard[0]!, hard[1]!)).toBe(true);
});
