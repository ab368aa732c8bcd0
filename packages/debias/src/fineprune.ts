import { maxTokens } from "@pruning-bias/model";
import { type Layout, scoreLayout } from "@pruning-bias/pruning";
import { jit as compiled, type NDArray } from "@pruning-bias/runtime";
import {
  accumulate,
  type Arrays,
  clipByGlobalNorm,
  expectConvergence,
  initialState,
  optimizer,
  type TrainingState,
} from "@pruning-bias/training";
import { staticAttributes } from "./attributes.ts";
import { judge, storeBest, storedBest } from "./best.ts";
import type { Evaluation, FinepruneEvent, FinepruneResult, ValidationEvent } from "./events.ts";
import { gates, sameGates } from "./gates.ts";
import { batchLosses, type DebiasBatch, type DebiasSentences } from "./losses.ts";
import type { FinepruneOptions } from "./options.ts";
import { originalEmbeddings } from "./original.ts";
import { encoderWeights, parameterGroups, subject } from "./parameters.ts";
import { plan } from "./plan.ts";
import { programs as makePrograms, type ProgramSettings } from "./programs.ts";

/**
 * Debiases an encoder by training its pruning scores, its weights, or both on
 * L = α·L_debias + β·L_keep (+ λ·L_prune) (Joniak and Aizawa 2022; Kaneko and Bollegala 2021, Eq. 4).
 *
 * Yields an event after each step, at each epoch's static attributes, and at each validation: before training, inside
 * and at the end of each epoch.
 *
 * @throws DivergenceError where the loss is no number or explodes, naming the step and the batch
 */
export async function* fineprune(options: FinepruneOptions): AsyncGenerator<FinepruneEvent, FinepruneResult> {
  const { checkpoint, train, validation, pruning, resume, seed = 42, jit = compiled } = options;
  const { config, weights } = checkpoint;
  if (validation === undefined && (options.patience !== undefined || options.keepBest === true)) {
    throw new RangeError("fineprune: expected validation sentences to stop early or to keep the best by, got none");
  }
  const layout = pruning && scoreLayout(config, pruning);
  const settings = programSettings(options, layout);
  const programs = makePrograms(jit, settings);
  const pieces = micro(options);
  const { stepsPerEpoch, totalSteps, finalThreshold, ...at } = plan(options);
  const limit = options.originalCache ?? 1e9;
  const losses = (of: DebiasSentences, rows: () => Iterable<number>) =>
    batchLosses(
      programs,
      settings,
      of,
      (attributes) =>
        originalEmbeddings(programs, encoderWeights(weights), { sentences: attributes, rows: rows(), limit, pieces }),
      pieces,
    );
  const training = losses(train, at.attributeRows);
  const checking = validation && losses(validation, () => everySentence(validation).attributes);

  const model = subject(checkpoint, layout, options);
  const groups = parameterGroups(options, model.names);
  const update = optimizer(jit, groups);
  let state = resume?.optimizer ?? initialState(model.initial);
  let step = resume?.step ?? 0;
  let firstLoss = resume?.values["firstLoss"] as number | undefined;
  let attributes = resume?.arrays["attributes"] ?? (await attributesNow());
  let best = resume && storedBest(resume);
  const parameters = () => model.parameters(state.parameters);
  const stateNow = (): TrainingState => {
    const { arrays, values } = storeBest(best);
    return { step, optimizer: state, arrays: { attributes, ...arrays }, values: { firstLoss: firstLoss!, ...values } };
  };
  const stopped = () => best !== undefined && best.waited >= (options.patience ?? Infinity);

  // A state is one before the validation that may follow its step.
  yield* validationNow();
  for (let epoch = Math.floor(step / stepsPerEpoch); step < totalSteps && !stopped(); epoch++) {
    const first = epoch * stepsPerEpoch;
    if (step === first) {
      if (epoch > 0) attributes = await attributesNow();
      yield { kind: "epoch", epoch, step, attributes, parameters };
    }
    for (const batch of at.batches(epoch).slice(step - first)) {
      const { threshold, lambda } = at.pressure(step);
      const now = model.at(state.parameters, threshold);
      const key = (piece: number) => ({ seed, counter: step * 65_536 + piece });
      const { lossDebias, lossKeep, gradients } = await training.gradients(now, attributes, batch, key);
      const pruneWeight = options.compat === "reference" ? 1 : lambda;
      const lossPrune = layout === undefined ? 0 : await addRegulariser(pruneWeight, gradients);
      const loss = settings.alpha * lossDebias + settings.beta * lossKeep + pruneWeight * lossPrune;
      firstLoss ??= loss;
      const gradientNorm = clipByGlobalNorm(gradients, options.clipNorm);
      const where = { step: step + 1, batch: described(batch, epoch, step - first) };
      expectConvergence({ ...where, loss, gradientNorm, firstLoss });

      const open = gates(layout, model.scores(state.parameters), threshold);
      const rate = at.rate(step);
      state = await update(state, gradients, rate);
      step++;
      yield {
        kind: "step",
        ...{ step, totalSteps, stepsPerEpoch, epoch, loss, lossDebias, lossKeep, lossPrune, pruneWeight },
        ...{ threshold, lambda, ...open },
        ...{ gradientNorm, learningRates: groups.map(({ learningRate }) => learningRate * rate) },
        tokens: training.tokens(batch),
        state: stateNow,
      };
      yield* validationNow();
      if (stopped()) break;
    }
  }
  const bestStep = options.keepBest === true && best !== undefined ? best.step : step;
  if (bestStep !== step) state = { ...state, parameters: best!.parameters! };
  await Promise.all([programs.dispose(), update.dispose()]);
  return { ...parameters(), layout, threshold: finalThreshold, steps: step, bestStep };

  /** v_m and v_f, under the masks at the final threshold. */
  function attributesNow(): Promise<NDArray> {
    const { male, female } = train;
    const count = Math.min(male.length, female.length, options.staticSentences ?? Infinity);
    return staticAttributes(programs, model.at(state.parameters, finalThreshold), { male, female, count }, pieces);
  }

  /** Adds weight·∇L_prune to the gradients; returns L_prune. */
  async function addRegulariser(weight: number, gradients: Arrays): Promise<number> {
    const part = await programs.pruneGradients({ ...model.scoresAt(state.parameters), weight });
    accumulate(gradients as Record<string, NDArray>, part.gradients);
    return part.loss.data[0]!;
  }

  async function* validationNow(): AsyncGenerator<ValidationEvent> {
    if (checking === undefined || !at.validates(step)) return;
    const final = await evaluate(finalThreshold);
    const { threshold } = at.pressure(step);
    const open = gates(layout, model.scores(state.parameters), threshold);
    const current = sameGates(open, final) ? { ...final, threshold, ...open } : await evaluate(threshold);
    if (step > 0) best = judge(best, final.loss, step, options.keepBest === true ? state.parameters : undefined);
    const epoch = Math.floor(Math.max(0, step - 1) / stepsPerEpoch);
    yield { kind: "validation", step, epoch, ...final, current, best: best?.step === step, parameters };
  }

  async function evaluate(threshold: number): Promise<Evaluation> {
    const found = await checking!.evaluate(
      model.at(state.parameters, threshold),
      attributes,
      everySentence(validation!),
    );
    const loss = settings.alpha * found.lossDebias + settings.beta * found.lossKeep;
    return { loss, ...found, threshold, ...gates(layout, model.scores(state.parameters), threshold) };
  }
}

function programSettings(options: FinepruneOptions, layout: Layout | undefined): ProgramSettings {
  const reference = options.compat === "reference";
  return {
    subject: { config: options.checkpoint.config, ...(layout && { layout }) },
    ...(options.pruning && { pruning: options.pruning }),
    embeddingLayer: options.embeddingLayer ?? "last",
    mode: options.debiasMode ?? "sentence",
    form: options.lossForm ?? (reference ? "squared_sum" : "sum_of_squares"),
    positions: reference ? "all" : "real",
    alpha: options.alpha ?? 0.2,
    beta: options.beta ?? 0.8,
    dropout: options.dropout ?? true,
  };
}

const micro = ({ checkpoint: { config }, microbatch = 8, compat, referenceWidth = 128 }: FinepruneOptions) => ({
  size: microbatch,
  padTokenId: config.pad_token_id ?? 0,
  positions: maxTokens(config),
  width: compat === "reference" ? referenceWidth : undefined,
});

const everySentence = ({ targets, male, female }: DebiasSentences) => ({
  targets: Int32Array.from({ length: targets.length }, (_, row) => row),
  attributes: Int32Array.from({ length: male.length + female.length }, (_, row) => row),
});

const described = ({ targets, attributes }: DebiasBatch, epoch: number, index: number): string => {
  const rows = (all: ArrayLike<number>) => `${Array.from(all).slice(0, 4).join(", ")}${all.length > 4 ? ", …" : ""}`;
  return `batch ${index + 1} of epoch ${epoch + 1} (targets ${rows(targets)}; attributes ${rows(attributes)})`;
};
