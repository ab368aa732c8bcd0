import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { encode, loadCheckpoint } from "@pruning-bias/model";
import { describeGolden, golden } from "@pruning-bias/oracle";
import {
  applyMasks,
  fromNnPruning,
  hostMasks,
  type Layout,
  type NnPruningKeys,
  openHeads,
  regulariser,
  scoreLayout,
} from "@pruning-bias/pruning";
import { type NDArray, readSafetensors, type SafeTensors, tf, toFloat32, toInt32 } from "@pruning-bias/runtime";
import { describe, expect, test } from "vitest";
import { backends, difference, farFrom } from "./fixtures.ts";

const checkpoint = golden("models/bert/masked-lm");
const forwardPass = golden("models/bert/forward.safetensors");
const noModel = checkpoint && forwardPass ? "" : " (skipped: no golden/models/bert)";
const jsonFiles = (path: string) => readdirSync(path).filter((file) => file.endsWith(".json"));

interface FinePruned {
  readonly flavour: "corrected" | "reference";
  readonly trained: readonly string[] | number;
  readonly modules: readonly string[];
  readonly settings: {
    readonly pruning: NnPruningKeys | null;
    readonly share_pruning_scores?: boolean;
    readonly prune_values_only?: boolean;
    readonly prune_attention_only?: boolean;
  };
  readonly float64: {
    readonly loss_prune: readonly number[];
    readonly final: { readonly open_blocks: readonly number[] };
  };
}

describeGolden("scores after fine-pruning", "fineprune", (path) => {
  const runs = jsonFiles(path)
    .filter((file) => file !== "data.json")
    .map((file) => ({ file, run: JSON.parse(readFileSync(join(path, file), "utf8")) as FinePruned }));
  for (const { file, run } of runs.filter(({ run }) => run.settings.pruning !== null)) {
    const { pruning, share_pruning_scores, prune_values_only, prune_attention_only } = run.settings;
    const name = basename(file, ".json");
    describe.skipIf(noModel !== "")(`${name}${noModel}`, () => {
      const keys = { ...pruning, share_pruning_scores, prune_values_only, prune_attention_only };
      const load = async () => {
        const settings = fromNnPruning(keys, run.flavour === "reference" ? { compat: "reference" } : {});
        const { config } = await loadCheckpoint(checkpoint!);
        const { tensors } = await readSafetensors(join(path, `${name}.safetensors`));
        return { settings, tensors, layout: scoreLayout(config, settings) };
      };

      const { trained } = run;
      const listed = typeof trained !== "number";
      test.skipIf(!listed)(`train the tensors that the original trains${listed ? "" : " (not listed)"}`, async () => {
        const { layout } = await load();
        const names = layout.scores.filter(({ trained }) => trained).map(({ name }) => name);
        expect(names).toEqual((trained as string[]).filter((name) => name.endsWith(".mask_scores")));
      });

      test("make the same masks at the final threshold", async () => {
        const { layout, settings, tensors } = await load();
        const masks = hostMasks(layout, scoresAt("final", layout, tensors), settings.finalThreshold);
        expect(Object.keys(masks)).toEqual(run.modules);
        expect(run.modules.map((module) => masks[module]!.open)).toEqual(run.float64.final.open_blocks);
        const bits = Object.fromEntries(Object.entries(masks).map(([module, { values }]) => [module, { data: values }]));
        const stored = run.modules.map(
          (module) => [module, tensors[`mask.final.${module}`]!.data as Uint8Array] as const,
        );
        // Stored as bytes, but for l0, whose masks lie between 0 and 1.
        expect(farFrom(bits, stored, 1e-6)).toEqual([]);
      });

      test.each(backends)("are regularised alike, fixed ones as constants (%s)", async (_, compile) => {
        const { layout, settings, tensors } = await load();
        const program = compile((scores: Record<string, tf.Tensor>) => ({
          total: regulariser(layout, settings, scores),
        }));
        const steps = new Set(Object.keys(tensors).flatMap((name) => /^scores\.(\d+)\./.exec(name)?.[1] ?? []));
        expect(steps.size).toBeGreaterThan(0);
        for (const step of steps) {
          const all = scoresAt(step, layout, tensors);
          const trained = layout.scores.filter(({ trained }) => trained).map(({ name }) => [name, all[name]!] as const);
          const { total } = await program(Object.fromEntries(trained));
          expect(difference(total.data, [run.float64.loss_prune[Number(step)]!])).toBeLessThan(1e-6);
        }
        await program.dispose();
      });
    });
  }
});

interface CompiledModel {
  readonly pruning: NnPruningKeys;
  readonly reference: { readonly heads: Readonly<Record<string, number[]>> };
  readonly exact: { readonly without_contribution: Readonly<Record<string, number[]>> };
  readonly density: Readonly<Record<string, number>>;
}

describeGolden("a pruned encoder", "compile", (path) => {
  for (const file of jsonFiles(path)) {
    const expected = JSON.parse(readFileSync(join(path, file), "utf8")) as CompiledModel;
    const name = basename(file, ".json");
    const load = async () => {
      const settings = fromNnPruning(expected.pruning);
      const { config, weights } = await loadCheckpoint(checkpoint!);
      const { tensors } = await readSafetensors(join(path, `${name}.safetensors`));
      const layout = scoreLayout(config, settings);
      const entries = layout.scores.map(({ name }) => [name, toFloat32(tensors[`scores.${name}`]!)] as const);
      const scores: Record<string, NDArray> = Object.fromEntries(entries);
      return { config, weights, tensors, layout, scores, threshold: settings.finalThreshold };
    };

    test.skipIf(noModel !== "")(`${name}: densities and open heads${noModel}`, async () => {
      const { layout, scores, threshold } = await load();
      const masks = hostMasks(layout, scores, threshold);
      const densities = Object.entries(masks).map(([module, { open, total }]) => [module, open / total]);
      expect(Object.fromEntries(densities)).toEqual(expected.density);
      const closed = (heads: boolean[][]) =>
        Object.fromEntries(heads.map((layer, at) => [at, layer.flatMap((open, head) => (open ? [] : [head]))]));
      expect(closed(openHeads(layout, masks))).toEqual(expected.exact.without_contribution);
      expect(closed(openHeads(layout, masks, "reference"))).toEqual(expected.reference.heads);
    });

    test.skipIf(noModel !== "").each(backends)(`${name}: hidden states${noModel} (%s)`, async (_, compile) => {
      const { config, weights, tensors, layout, scores, threshold } = await load();
      const forward = (await readSafetensors(forwardPass!)).tensors;
      type Inputs = Record<"weights" | "scores", Record<string, tf.Tensor>> &
        Record<"inputIds" | "attentionMask" | "tokenTypeIds", tf.Tensor2D> & { threshold: tf.Scalar };
      const program = compile(({ weights, scores, threshold, ...batch }: Inputs) => {
        const { weights: masked, gates } = applyMasks(layout, weights, scores, threshold);
        return { last: encode(config, masked, batch, { gates }).at(-1)! };
      });
      const ids = (name: string) => toInt32(forward[name]!);
      const attentionMask = ids("attention_mask");
      const batch = { inputIds: ids("input_ids"), attentionMask, tokenTypeIds: ids("token_type_ids") };
      const { last } = await program({ weights, scores, threshold, ...batch });
      await program.dispose();
      const width = config.hidden_size;
      const real = (values: ArrayLike<number>) =>
        Array.from(values).filter((_, index) => attentionMask.data[Math.floor(index / width)] === 1);
      const original = tensors["masked.last_hidden_state"]!.data as Float32Array;
      expect(difference(real(last.data), real(original))).toBeLessThan(1e-4);
    });
  }
});

const scoresAt = (step: string, layout: Layout, tensors: SafeTensors["tensors"]): Record<string, NDArray> =>
  Object.fromEntries(layout.scores.map(({ name }) => [name, toFloat32(tensors[`scores.${step}.${name}`]!)]));
