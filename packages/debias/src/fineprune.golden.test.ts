import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { concat, type Sentences, take } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { describeGolden } from "@pruning-bias/oracle";
import { fromNnPruning, hostMasks } from "@pruning-bias/pruning";
import { readSafetensors, type SafeTensors, type StoredTensor, toFloat32 } from "@pruning-bias/runtime";
import { expect, it } from "vitest";
import {
  type DebiasBatch,
  type EpochEvent,
  fineprune,
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

async function follow(folder: string, golden: Golden, name: string): Promise<void> {
  const { settings, float64: expected } = golden;
  const { tensors } = await readSafetensors(join(folder, `${name}.safetensors`));
  const options = await finepruneOptions(folder, golden, tensors);
  const steps: StepEvent[] = [];
  const epochs: EpochEvent[] = [];
  let last: ValidationEvent | undefined;
  const scoresBefore = new Map<number, Record<string, { data: ArrayLike<number> }>>();
  const run = fineprune(options);
  for (let event = await run.next(); ; event = await run.next()) {
    if (event.done) {
      checkFinal(event.value);
      break;
    }
    if (event.value.kind === "step") steps.push(event.value);
    if (event.value.kind === "epoch") {
      epochs.push(event.value);
      scoresBefore.set(event.value.step, event.value.parameters().scores);
    }
    if (event.value.kind === "validation") last = event.value;
  }

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

  for (const { step, attributes } of epochs) {
    expectAllNear(attributes.data, numbers(tensors[`static_attributes.${step}`]!), `static attributes ${step}`, 1e-4);
  }
  if (last !== undefined) {
    expectNear(last.lossDebias, expected.final.loss_debias, "final debias");
    expectNear(last.lossKeep, expected.final.loss_regularize, "final keep");
  }

  function checkFinal(result: { scores: Record<string, { data: ArrayLike<number> }>; layout: unknown }): void {
    for (const [key, tensor] of Object.entries(tensors)) {
      const trained = key.startsWith("scores.final.") ? key.slice("scores.final.".length) : undefined;
      if (trained === undefined || result.scores[trained] === undefined) continue;
      // Adam divides small gradients by their own size: PyTorch in float32 itself strays this far from float64.
      const tolerance = Math.max(1e-4, 4 * golden.agreement.scores_absolute);
      expectAllNear(result.scores[trained].data, numbers(tensor), key, tolerance);
    }
    const layout = result.layout as Parameters<typeof hostMasks>[0] | undefined;
    if (layout === undefined || settings.pruning === null) return;
    const masks = hostMasks(layout, result.scores as never, settings.pruning.final_threshold as number);
    for (const [module, { values }] of Object.entries(masks)) {
      const stored = numbers(tensors[`mask.final.${module}`]!);
      // Those of l0 lie between 0 and 1.
      if (values instanceof Float32Array) expectAllNear(values, stored, `mask of ${module}`, 1e-4);
      else expect([...values], `mask of ${module}`).toEqual(stored);
    }
  }
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
    final: { loss_debias: number; loss_regularize: number };
  };
}
