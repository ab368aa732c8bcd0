import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Batch, type BertConfig, encode, loadCheckpoint } from "@pruning-bias/model";
import { describeGolden, golden } from "@pruning-bias/oracle";
import {
  applyMasks,
  fromNnPruning,
  hostMasks,
  type Layout,
  type NnPruningKeys,
  openHeads,
  prunedCheckpoint,
  regulariser,
  scoreLayout,
} from "@pruning-bias/pruning";
import {
  type Jit,
  jit,
  type NDArray,
  readSafetensors,
  type SafeTensors,
  tf,
  toFloat32,
  toInt32,
} from "@pruning-bias/runtime";
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
        const bits = Object.fromEntries(
          Object.entries(masks).map(([module, { values }]) => [module, { data: values }]),
        );
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
  readonly reference: { readonly removed: number; readonly heads: Readonly<Record<string, number[]>> };
  readonly exact: {
    readonly without_contribution: Readonly<Record<string, number[]>>;
    readonly dead_neurons_per_layer: readonly number[];
  };
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

    test.skipIf(noModel !== "")(`${name}: what is removed, beside the original${noModel}`, async () => {
      const { config, weights, layout, scores, threshold } = await load();
      const { report } = await prunedCheckpoint({ config, weights }, { layout, scores, threshold }, "compact");
      expect(report.reference.removed).toBe(expected.reference.removed);
      expect(Object.fromEntries(report.reference.heads.entries())).toEqual(expected.reference.heads);
      for (const [at, { removedHeads, keptHeads, uniformHeads, neurons }] of report.layers!.entries()) {
        // All heads without contribution, and with them those that add a constant.
        expect(removedHeads).toEqual(expect.arrayContaining(expected.exact.without_contribution[at]!));
        const all = [...removedHeads, ...keptHeads, ...uniformHeads].toSorted((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: config.num_attention_heads }, (_, head) => head));
        expect(neurons).toBeLessThanOrEqual(config.intermediate_size - expected.exact.dead_neurons_per_layer[at]!);
      }
    });

    test.skipIf(noModel !== "")(`${name}: dense and compact weights${noModel}`, async () => {
      const { config, weights, tensors, layout, scores, threshold } = await load();
      for (const form of ["dense", "compact"] as const) {
        const pruned = await prunedCheckpoint({ config, weights }, { layout, scores, threshold }, form);
        const last = await lastHiddenState(jit, (given, batch) => encode(pruned.checkpoint.config, given, batch), {
          weights: pruned.checkpoint.weights,
        });
        expect(difference(last(config), last(config, tensors)), form).toBeLessThan(1e-5);
      }
    });

    test.skipIf(noModel !== "").each(backends)(`${name}: hidden states${noModel} (%s)`, async (_, compile) => {
      const { config, weights, tensors, layout, scores, threshold } = await load();
      const last = await lastHiddenState(
        compile,
        (given, batch, scores, threshold) => {
          const { weights: masked, gates } = applyMasks(layout, given, scores, threshold);
          return encode(config, masked, batch, { gates });
        },
        { weights, scores, threshold },
      );
      expect(difference(last(config), last(config, tensors))).toBeLessThan(1e-4);
    });
  }
});

type Parameters = Record<string, tf.Tensor>;
type States = (weights: Parameters, batch: Batch, scores: Parameters, threshold: tf.Scalar) => tf.Tensor3D[];
type Given = { weights: Record<string, NDArray>; scores?: Record<string, NDArray>; threshold?: number };

/** The last hidden state on the batch of `forward.safetensors` at real tokens; with tensors, the original's. */
async function lastHiddenState(compile: Jit, states: States, { weights, scores = {}, threshold = 0 }: Given) {
  const forward = (await readSafetensors(forwardPass!)).tensors;
  type Inputs = Record<"weights" | "scores", Parameters> &
    Record<"inputIds" | "attentionMask" | "tokenTypeIds", tf.Tensor2D> & { threshold: tf.Scalar };
  const program = compile(({ weights, scores, threshold, ...batch }: Inputs) => ({
    last: states(weights, batch, scores, threshold).at(-1)!,
  }));
  const ids = (name: string) => toInt32(forward[name]!);
  const attentionMask = ids("attention_mask");
  const batch = { inputIds: ids("input_ids"), attentionMask, tokenTypeIds: ids("token_type_ids") };
  const { last } = await program({ weights, scores, threshold, ...batch });
  await program.dispose();
  return ({ hidden_size: width }: BertConfig, tensors?: SafeTensors["tensors"]): number[] =>
    Array.from((tensors?.["masked.last_hidden_state"]?.data ?? last.data) as Float32Array).filter(
      (_, index) => attentionMask.data[Math.floor(index / width)] === 1,
    );
}

const scoresAt = (step: string, layout: Layout, tensors: SafeTensors["tensors"]): Record<string, NDArray> =>
  Object.fromEntries(layout.scores.map(({ name }) => [name, toFloat32(tensors[`scores.${step}.${name}`]!)]));
