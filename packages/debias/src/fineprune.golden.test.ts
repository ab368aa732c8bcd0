import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { concat, type Sentences, take } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { describeGolden } from "@pruning-bias/oracle";
import { fromNnPruning, hostMasks } from "@pruning-bias/pruning";
import { readSafetensors, type SafeTensors, type StoredTensor, toFloat32 } from "@pruning-bias/runtime";
import { expect, it } from "vitest";
import { finish } from "../test/small.ts";
import {
  type DebiasBatch,
  type EpochEvent,
  type FinepruneOptions,
  type LossForm,
  type StepEvent,
  type ValidationEvent,
} from "./index.ts";

describeGolden("fine-pruning follows the original, step by step", "fineprune", (folder) => {
  const files = readdirSync(folder).filter((file) => /\.(corrected|reference)\.json$/.test(file));
  for (const file of files) {
    const golden = JSON.parse(readFileSync(join(folder, file), "utf8")) as Golden;
    const name = file.replace(/\.json$/, "");
    it(name, () => follow(folder, golden, name));
  }
});

/** Steps at whose start the original's scores are stored, where they are not all 0. */
const RECORDED = new Set([0, 1, 12, 24]);

async function follow(folder: string, golden: Golden, name: string): Promise<void> {
  const { settings, float64: expected } = golden;
  const { tensors } = await readSafetensors(join(folder, `${name}.safetensors`));
  const options = await finepruneOptions(folder, golden, tensors);
  const steps: StepEvent[] = [];
  const epochs: EpochEvent[] = [];
  let last: ValidationEvent | undefined;
  let moments: Numbers = {};
  const scoresBefore = new Map<number, Numbers>();
  const { result } = await finish(options, (event) => {
    if (event.kind === "step") {
      steps.push(event);
      const { optimizer } = event.state();
      if (event.step === 1) moments = structuredClone(optimizer.m);
      if (RECORDED.has(event.step)) {
        const fixed = scoresBefore.get(0)!;
        scoresBefore.set(event.step, structuredClone({ ...fixed, ...pick(optimizer.parameters, Object.keys(fixed)) }));
      }
    }
    if (event.kind === "epoch") {
      epochs.push(event);
      if (event.step === 0) scoresBefore.set(0, event.parameters().scores);
    }
    if (event.kind === "validation") last = event;
  });

  const close = golden.closest_call ?? Infinity;
  for (const [index, step] of steps.entries()) {
    const at = `step ${index}`;
    expectNear(step.loss, expected.loss[index]!, `${at} loss`);
    expectNear(step.lossDebias, expected.loss_debias[index]!, `${at} debias`);
    expectNear(step.lossKeep, expected.loss_regularize[index]!, `${at} keep`);
    expected.learning_rates[index]!.forEach((rate, group) => {
      if (step.learningRates[group] !== undefined) expectNear(step.learningRates[group], rate, `${at} learning rate`);
    });
    if (expected.threshold === undefined) continue;
    expectNear(step.lossPrune, expected.loss_prune![index]!, `${at} prune`);
    expectNear(step.threshold, expected.threshold[index]!, `${at} threshold`);
    expectNear(step.lambda, expected.lambda![index]!, `${at} lambda`);
    const flips = step.openBlocks.map((open, i) => Math.abs(open - expected.open_blocks![index]![i]!));
    expect(Math.max(...flips), `${at} open blocks`).toBeLessThanOrEqual(close < 1e-4 ? 1 : 0);
  }
  expect(steps).toHaveLength(settings.steps);

  const { final } = expected;
  expectNear(last!.loss, final.loss, "final loss");
  expectNear(last!.lossDebias, final.loss_debias, "final debias");
  expectNear(last!.lossKeep, final.loss_regularize, "final keep");
  expect(last!.openBlocks, "final open blocks").toEqual(final.open_blocks ?? []);

  checkTensors();
  checkWeights();

  /** Every tensor of the fixture: a name that means nothing here is an error. */
  function checkTensors(): void {
    // Adam divides small gradients by their own size: PyTorch in float32 itself strays this far from float64.
    const tolerance = Math.max(1e-4, 4 * golden.agreement.scores_absolute);
    const masks = finalMasks();
    for (const [key, tensor] of Object.entries(tensors)) {
      const stored = numbers(tensor);
      const [, kind, when, own] =
        /^(static_attributes|scores|score_gradients|mask)\.(\d+|final)(?:\.(.+))?$/.exec(key) ?? [];
      const found = (from: Numbers | undefined) => from?.[own!]?.data ?? fail(key, from);
      if (kind === "static_attributes") {
        const { attributes } = epochs.find(({ step }) => step === Number(when)) ?? fail(key, {});
        expectAllNear(attributes.data, stored, key, 1e-4);
      } else if (kind === "scores") {
        const scores = when === "final" ? result.scores : scoresBefore.get(Number(when));
        expectAllNear(found(scores), stored, key, tolerance);
      } else if (kind === "score_gradients" && when === "0") {
        // What the first update has left of the gradient.
        const largest = Math.max(...stored.map(Math.abs)) || 1;
        const got = Array.from(found(moments), (m) => m / (1 - BETA1) / largest);
        expectAllNear(
          got,
          stored.map((value) => value / largest),
          key,
          1e-4,
        );
      } else if (kind === "mask") {
        const { values } = masks[own!] ?? fail(key, masks);
        // Those of l0 lie between 0 and 1.
        if (values instanceof Float32Array) expectAllNear(values, stored, key, 1e-4);
        else expect([...values], key).toEqual(stored);
      } else fail(key, {});
    }
    const stored = (kind: string) =>
      Object.keys(tensors).flatMap((key) => (key.startsWith(kind) ? [key.slice(kind.length)] : []));
    expect(stored("mask.final.").toSorted()).toEqual(Object.keys(masks).toSorted());
    expect(stored("scores.final.").toSorted()).toEqual(Object.keys(result.scores).toSorted());
    expect(stored("score_gradients.0.").toSorted()).toEqual(Object.keys(moments).filter(isScore).toSorted());
  }

  function finalMasks() {
    const { layout, scores } = result;
    if (layout === undefined || settings.pruning === null) return {};
    return hostMasks(layout, scores as never, settings.pruning.final_threshold as number);
  }

  /** Norms of the weights at the end, and of their gradients at first, where they train. */
  function checkWeights(): void {
    const { weight_norms: atEnd = {}, weight_gradient_norms_at_step_0: gradients = {} } = final;
    const trained = Object.keys(moments).filter((key) => !isScore(key));
    expect(Object.keys(atEnd).toSorted()).toEqual(trained.toSorted());
    expect(Object.keys(gradients).toSorted()).toEqual(trained.toSorted());
    for (const key of trained) {
      const gradient = norm(moments[key]!.data) / (1 - BETA1);
      const weight = norm(result.weights[key]!.data);
      if (key.endsWith("key.bias")) {
        // Softmax does not see it: its gradient is 0, and rounding here, which Adam makes steps of. PyTorch in float32 strays as far.
        expect(gradient, key).toBeLessThan(1e-3);
        expect(Math.abs(weight - atEnd[key]!), key).toBeLessThan(settings.learning_rate * settings.steps);
        continue;
      }
      expectNear(gradient, gradients[key]!, `gradient of ${key}`);
      expectNear(weight, atEnd[key]!, `norm of ${key}`);
    }
  }
}

type Numbers = Readonly<Record<string, { readonly data: ArrayLike<number> }>>;

const BETA1 = 0.9;

const isScore = (name: string): boolean => name.endsWith(".mask_scores");

const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));

const pick = <T>(from: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> =>
  Object.fromEntries(names.flatMap((name) => (name in from ? [[name, from[name]!] as const] : [])));

function fail(key: string, among: object | undefined): never {
  throw new Error(`${key}: expected one of ${Object.keys(among ?? {}).join(", ")}`);
}

async function finepruneOptions(
  folder: string,
  { flavour, settings, debias_loss_form }: Golden,
  tensors: SafeTensors["tensors"],
): Promise<FinepruneOptions> {
  const models = join(dirname(folder), "models/bert/masked-lm");
  const data = JSON.parse(readFileSync(join(folder, "data.json"), "utf8")) as { batches: DebiasBatch[]; width: number };
  const pools = (await readSafetensors(join(folder, "data.safetensors"))).tensors;
  const sentences = { targets: pool(pools, "targets"), male: pool(pools, "male"), female: pool(pools, "female") };
  const { steps_per_epoch: perEpoch, pruning } = settings;
  return {
    checkpoint: await loadCheckpoint(models),
    train: sentences,
    ...(pruning !== null && {
      pruning: fromNnPruning(
        {
          ...pruning,
          prune_values_only: settings.prune_values_only,
          prune_attention_only: settings.prune_attention_only,
          share_pruning_scores: settings.share_pruning_scores,
        },
        flavour === "reference" ? { compat: "reference" } : {},
      ),
    }),
    scores: Object.fromEntries(
      Object.entries(tensors)
        .filter(([key]) => key.startsWith("scores.0."))
        .map(([key, tensor]) => [key.slice("scores.0.".length), toFloat32(tensor)]),
    ),
    freezeWeights: settings.freeze_weights && pruning !== null,
    embeddingLayer: settings.embedding_layer,
    debiasMode: settings.debias_mode,
    lossForm: debias_loss_form.replaceAll(" ", "_") as LossForm,
    alpha: settings.alpha,
    beta: settings.beta,
    learningRate: settings.learning_rate,
    warmupSteps: settings.warmup_steps,
    epochs: settings.steps / perEpoch,
    batches: (epoch) => data.batches.slice(epoch * perEpoch, (epoch + 1) * perEpoch),
    validation: sentencesOf(sentences, data.batches[0]!),
    validationsPerEpoch: 1,
    staticSentences: 12, // as data.json says
    trainMode: settings.train_mode,
    compat: flavour === "reference" ? "reference" : "default",
    referenceWidth: data.width,
    microbatch: 4,
  };
}

/** The rows of a batch as sentences of their own: all attributes as male, which the losses do not tell apart. */
function sentencesOf(
  all: { targets: Sentences; male: Sentences; female: Sentences },
  { targets, attributes }: DebiasBatch,
) {
  const both = concat(all.male, all.female);
  return { targets: take(all.targets, targets), male: take(both, attributes), female: take(both, []) };
}

const pool = (tensors: SafeTensors["tensors"], name: string): Sentences => {
  const [ids, mask, keywords] = ["input_ids", "attention_mask", "keyword_mask"].map(
    (key) => tensors[`${name}.${key}`]!,
  );
  const [count, width] = ids!.shape as [number, number];
  const lengths = Array.from({ length: count }, (_, row) =>
    numbers(mask!)
      .slice(row * width, (row + 1) * width)
      .reduce((a, b) => a + b, 0),
  );
  const rows = lengths.map((length, row) => ({
    ids: numbers(ids!).slice(row * width, row * width + length),
    keywords: numbers(keywords!).slice(row * width, row * width + length),
  }));
  return sentencesFrom(rows);
};

function sentencesFrom(rows: readonly { ids: number[]; keywords: number[] }[]): Sentences {
  const offsets = Int32Array.from([0, ...rows.map(() => 0)]);
  for (const [row, { ids }] of rows.entries()) offsets[row + 1] = offsets[row]! + ids.length;
  return {
    length: rows.length,
    offsets,
    inputIds: Uint16Array.from(rows.flatMap(({ ids }) => ids)),
    keywordMask: Uint8Array.from(rows.flatMap(({ keywords }) => keywords)),
    lines: Uint32Array.from(rows.keys()),
  };
}

const numbers = ({ data }: StoredTensor): number[] => Array.from(data as ArrayLike<number | bigint>, Number);

function expectNear(got: number, expected: number, what: string): void {
  // Losses of 1e-8 beside others of 400 are rounding.
  expect(Math.abs(got - expected) / Math.max(Math.abs(expected), 0.01), `${what}: ${got} for ${expected}`).toBeLessThan(
    1e-4,
  );
}

function expectAllNear(got: ArrayLike<number>, expected: readonly number[], what: string, tolerance: number): void {
  expect(got.length, what).toBe(expected.length);
  const worst = Math.max(0, ...expected.map((value, i) => Math.abs(got[i]! - value) / Math.max(1, Math.abs(value))));
  expect(worst, what).toBeLessThan(tolerance);
}

interface Golden {
  flavour: "reference" | "corrected";
  debias_loss_form: string;
  closest_call: number | null;
  agreement: { scores_absolute: number };
  settings: {
    embedding_layer: NonNullable<FinepruneOptions["embeddingLayer"]>;
    debias_mode: NonNullable<FinepruneOptions["debiasMode"]>;
    initial_scores: "zero" | "random";
    train_mode: boolean;
    learning_rate: number;
    warmup_steps: number;
    alpha: number;
    beta: number;
    steps: number;
    steps_per_epoch: number;
    freeze_weights: boolean;
    prune_values_only?: boolean;
    prune_attention_only?: boolean;
    share_pruning_scores?: boolean;
    pruning: Record<string, unknown> | null;
  };
  float64: {
    loss: number[];
    loss_debias: number[];
    loss_regularize: number[];
    loss_prune?: number[];
    learning_rates: number[][];
    threshold?: number[];
    lambda?: number[];
    open_blocks?: number[][];
    final: {
      loss: number;
      loss_debias: number;
      loss_regularize: number;
      open_blocks?: number[];
      weight_norms?: Record<string, number>;
      weight_gradient_norms_at_step_0?: Record<string, number>;
    };
  };
}
