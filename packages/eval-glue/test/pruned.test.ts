import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  hostMasks,
  initialScores,
  parsePruningSettings,
  type Pruned,
  readScores,
  scoreLayout,
  writeScores,
} from "@pruning-bias/pruning";
import { generator } from "@pruning-bias/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { type DoneEvent, finetune, type FinetuneOptions } from "../src/index.ts";
import { toyModel, toySplit } from "./toy.ts";

const checkpoint = toyModel();
const [train, validation] = [toySplit(), [toySplit({ split: "validation" })]];
const settings: FinetuneOptions = {
  ...{ checkpoint, train, validation, batchSize: 16, learningRate: 5e-3 },
  epochs: 2,
};
/** Steps so large that the order of magnitudes changes. */
const fast = { learningRate: 0.02 };
const folder = mkdtempSync(join(tmpdir(), "glue-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a classifier on a pruned encoder", () => {
  it.each([
    ["blocks", { attention: { block: [4, 4] as [number, number] } }],
    ["whole heads", { attention: { block: [4, 16] as [number, number] } }],
    ["topK", { attention: { block: [4, 4], method: "topK" }, dense: { method: "topK" }, finalThreshold: 0.6 }],
    [
      "magnitude",
      { attention: { block: [4, 4], method: "magnitude" }, dense: { method: "magnitude" }, finalThreshold: 0.6 },
    ],
    ["neurons alone", { attention: { method: "disabled" }, dense: { layout: "1d_alt" } }],
  ] as [string, Given][])(
    "keeps closed what the reloaded scores close, and trains the rest: %s",
    async (name, given) => {
      const pruned = await stored(given);
      const { checkpoint: trained, logits } = await last({ ...settings, ...fast, pruned });
      const masksOf = ({ weights }: typeof trained) =>
        hostMasks(pruned.layout, { ...weights, ...pruned.scores }, pruned.threshold);
      const masks = masksOf(checkpoint);
      // Whoever loads it with the same scores has the same masks.
      expect(masksOf(trained)).toEqual(masks);
      let [closed, moved] = [0, 0];
      for (const [module, { shape, mask }] of Object.entries(masks)) {
        const before = checkpoint.weights[`${module}.weight`]!;
        const after = trained.weights[`${module}.weight`]!;
        const [outputs, inputs] = before.shape as [number, number];
        const changed = new Uint8Array(mask.length);
        before.data.forEach((value, n) => {
          const [row, column] = [Math.floor(n / inputs), n % inputs];
          const block = Math.floor((row * shape[0]) / outputs) * shape[1] + Math.floor((column * shape[1]) / inputs);
          // Weights that are closed for being small are taken out, so that they stay the smallest.
          const same = after.data[n] === value || (name === "magnitude" && mask[block] === 0 && after.data[n] === 0);
          if (!same) changed[block] = 1;
        });
        closed += mask.filter((bit) => bit === 0).length;
        moved += changed.filter((bit) => bit === 1).length;
        // An open block may stay too: that of a query whose value is closed gets no gradient.
        expect({ module, strays: changed.filter((bit, block) => bit > mask[block]!).length }).toEqual({
          module,
          strays: 0,
        });
      }
      expect(closed).toBeGreaterThan(20);
      expect(moved).toBeGreaterThan(20);
      // The masks change what is computed.
      const free = await last({ ...settings, ...fast });
      const difference = (a: DoneEvent) => Math.abs(a.logits["validation"]!.data[0]! - logits["validation"]!.data[0]!);
      expect(difference(free)).toBeGreaterThan(1e-5);
    },
  );

  it("keeps all of the encoder as it is where that is frozen, and its masks", async () => {
    const pruned = await stored({});
    const options = { ...settings, freezeEncoder: true };
    const [masked, free] = [await last({ ...options, pruned }), await last(options)];
    for (const name of Object.keys(checkpoint.weights).filter((name) => name.startsWith("encoder."))) {
      expect(masked.checkpoint.weights[name]!.data).toEqual(checkpoint.weights[name]!.data);
    }
    expect(masked.loss).not.toBe(free.loss);
  });

  it("is not made from scores of another architecture: what does not fit is listed", async () => {
    const settings = parsePruningSettings({ attention: { block: [4, 4] } });
    const deep = { ...checkpoint.config, num_hidden_layers: 3 };
    const wide = { ...checkpoint.config, hidden_size: 32 };
    for (const [config, message] of [
      [deep, /scores\.safetensors: expected no encoder\.layer\.2\.\S+ in this layout, got one; .* and \d+ more$/],
      [wide, /scores\.safetensors: encoder\.layer\.0\.\S+: expected shape \[4,4\], got \[8,8\]; /],
    ] as const) {
      const other = scoreLayout(config, settings);
      const path = join(folder, "scores.safetensors");
      await writeScores(path, other, initialScores(other), settings);
      await expect(readScores(path, scoreLayout(checkpoint.config, settings))).rejects.toThrow(message);
    }
  });
});

type Given = Parameters<typeof parsePruningSettings>[0];

/** Scores that close about half, as a file gives them back. */
async function stored(given: Given): Promise<Pruned> {
  const settings = parsePruningSettings({ attention: { block: [4, 4] }, ...given });
  const layout = scoreLayout(checkpoint.config, settings);
  const random = generator(3);
  const drawn = Object.entries(initialScores(layout)).map(([name, { shape, data, dtype }]) => {
    return [name, { dtype, shape, data: (data as Float32Array).map(() => 8 * random.normal()) }] as const;
  });
  const path = join(folder, "scores.safetensors");
  await writeScores(path, layout, Object.fromEntries(drawn), settings);
  return { layout, scores: await readScores(path, layout), threshold: settings.finalThreshold };
}

async function last(options: FinetuneOptions): Promise<DoneEvent> {
  const event = (await Array.fromAsync(finetune(options))).at(-1);
  if (event?.kind !== "done") throw new Error("expected a last event");
  return event;
}
