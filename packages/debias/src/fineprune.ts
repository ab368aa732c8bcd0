import { type Layout, mergeTied, scoreLayout } from "@pruning-bias/pruning";
import { jit as compiled, type NDArray } from "@pruning-bias/runtime";
import {
  accumulate,
  allShared,
  type Arrays,
  clipByGlobalNorm,
  copies,
  expectConvergence,
  expectFinite,
  expectGoodValidation,
  hostOptimizer,
  initialState,
  type TrainingState,
} from "@pruning-bias/training";
import { staticAttributes } from "./attributes.ts";
import { judge, storeBest, storedBest } from "./best.ts";
import type { Evaluation, FinepruneEvent, FinepruneResult, SettledEvent, ValidationEvent } from "./events.ts";
import { candidateLosses } from "./candidates.ts";
import { checkOptions } from "./check-options.ts";
import { gates, sameGates } from "./gates.ts";
import { batchLosses, type DebiasBatch, type DebiasSentences, type Losses } from "./losses.ts";
import type { FinepruneOptions } from "./options.ts";
import { originalEmbeddings } from "./original.ts";
import { parameterGroups, subject } from "./parameters.ts";
import { plan, type Pressure } from "./plan.ts";
import {
  addMargins,
  changedGates,
  expectFlipping,
  expectSettling,
  type MeanMargins,
  settle,
  type SettleMethod,
  storedMargins,
  storeMargins,
} from "./settle.ts";
import { type Programs, programs as makePrograms, type ProgramSettings } from "./programs.ts";
import { described, everySentence, someSentences } from "./rows.ts";
import { attributeCounts, microbatchOptions, programSettings } from "./run-settings.ts";

/** Share of the steps, the last ones, over which scores are averaged to settle gates; the last step at least. */
const SETTLING = 0.25;

/**
 * Debiases an encoder by training its pruning scores, its weights, or both on
 * L = α·L_debias + β·L_keep (+ λ·L_prune) (Joniak and Aizawa 2022; Kaneko and Bollegala 2021, Eq. 4).
 *
 * Yields an event after each step, at each epoch's static attributes, and at each validation: before training, inside
 * and at the end of each epoch. Whoever stops asking (`break` in a `for await`) leaves no sessions and threads behind.
 *
 * @throws RangeError `fineprune: KEY: expected …, got …` for options that no run can be made of, before anything is computed;
 *   DivergenceError where the loss of a step or a validation is no number or explodes, or a parameter is no number, naming
 *   the step
 */
export async function* fineprune(options: FinepruneOptions): AsyncGenerator<FinepruneEvent, FinepruneResult> {
  const { checkpoint, validation, pruning, jit = compiled } = options;
  const { patience = Infinity, keepBest = false, settle: method = "none" } = options;
  checkOptions(options);
  if (validation === undefined && (patience < Infinity || keepBest || method !== "none")) {
    throw new RangeError("fineprune: patience, keepBest and settle need validation sentences, got none");
  }
  if (keepBest && method !== "none") throw new RangeError("fineprune: expected keepBest or settle, got both");
  const layout = pruning && scoreLayout(checkpoint.config, pruning);
  const settings = programSettings(options, layout);
  if (method !== "none") expectSettling(layout, method);
  const programs = makePrograms(jit, settings);
  try {
    return yield* run(options, { layout, settings, programs });
  } finally {
    await programs.dispose();
  }
}

interface Made {
  readonly layout: Layout | undefined;
  readonly settings: ProgramSettings;
  readonly programs: Programs;
}

async function* run(
  options: FinepruneOptions,
  { layout, settings, programs }: Made,
): AsyncGenerator<FinepruneEvent, FinepruneResult> {
  const { checkpoint, train, validation, resume, seed = 42 } = options;
  const { patience = Infinity, keepBest = false, settle: method = "none", devices = 1 } = options;
  const { stepsPerEpoch, totalSteps, final, ...at } = plan(options);
  const model = subject(checkpoint, layout, options);
  if (method !== "none") expectFlipping(layout!, model.scores(model.initial), final.threshold);
  const lastQuarter = Math.min((1 - SETTLING) * totalSteps, totalSteps - 1);
  const [training, checking] = await losses();

  const groups = parameterGroups(options, model.names);
  const optimizer = hostOptimizer(groups);
  let state = resume?.optimizer ?? initialState(model.initial);
  if (devices > 1) state = { ...state, parameters: allShared(state.parameters) };
  let step = resume?.step ?? 0;
  let firstLoss = resume?.values["firstLoss"] as number | undefined;
  let best = resume && storedBest(resume);
  let mean = resume && storedMargins(resume);
  let attributes = resume?.arrays["attributes"] ?? (await attributesNow());
  const parameters = () => model.parameters(state.parameters);
  const stopped = () => best !== undefined && best.waited >= patience;

  // A state is one before the validation that may follow its step.
  yield* validationNow();
  for (let epoch = Math.floor(step / stepsPerEpoch); step < totalSteps && !stopped(); epoch++) {
    const first = epoch * stepsPerEpoch;
    if (step === first) {
      if (epoch > 0) attributes = await attributesNow();
      yield { kind: "epoch", epoch, step, attributes, parameters };
    }
    for (const batch of at.batches(epoch).slice(step - first)) {
      const { threshold, lambda, temperature } = at.pressure(step);
      const now = model.at(state.parameters, { threshold, temperature });
      const key = (piece: number) => ({ seed, counter: step * 65_536 + piece });
      const { lossDebias, lossKeep, gradients } = await training.gradients(now, attributes, batch, key);
      const pruneWeight = options.compat === "reference" ? 1 : lambda;
      const lossPrune = model.trainsScores ? await addRegulariser(pruneWeight, gradients) : 0;
      const loss = settings.alpha * lossDebias + settings.beta * lossKeep + pruneWeight * lossPrune;
      firstLoss ??= loss;
      const gradientNorm = clipByGlobalNorm(gradients, options.clipNorm);
      const where = { step: step + 1, batch: described(batch, epoch, step - first) };
      expectConvergence({ ...where, loss, gradientNorm, firstLoss });

      const open = gatesAt(threshold);
      if (method !== "none") addToMean(threshold);
      const rate = at.rate(step);
      await updateParameters(gradients, rate);
      step++;
      yield {
        kind: "step",
        ...{ step, totalSteps, stepsPerEpoch, epoch, loss, lossDebias, lossKeep, lossPrune, pruneWeight },
        ...{ threshold, lambda, ...open },
        ...{ gradientNorm, learningRates: groups.map(({ learningRate }) => learningRate * rate) },
        tokens: training.tokens(batch),
        state: stateNow(),
      };
      yield* validationNow();
      if (stopped()) break;
    }
  }
  const bestStep = keepBest && best !== undefined ? best.step : step;
  if (bestStep !== step) state = { ...state, parameters: best!.parameters! };
  // Where no step counted, as none had a threshold that closes anything, what is left is where the last one ended.
  if (method !== "none") yield await settled(mean ?? meanWith(undefined, final.threshold)!);
  expectFinite(step, state.parameters);
  await training.saveOriginals();
  await checking?.saveOriginals();
  return { ...parameters(), layout, threshold: final.threshold, steps: step, bestStep };

  /** Losses of training and of validation sentences. */
  async function losses() {
    const pieces = microbatchOptions(options);
    const weights = model.encoder;
    const { originalCache: limit = 1e9, originals: store } = options;
    const kept = { config: checkpoint.config, limit, store, pieces };
    const of = (sentences: DebiasSentences, rows: Iterable<number>) =>
      batchLosses(
        programs,
        settings,
        sentences,
        (attributes) => originalEmbeddings(programs, weights, { sentences: attributes, rows, ...kept }),
        { ...pieces, devices },
      );
    const inTraining = await of(train, at.attributeRows());
    return [inTraining, validation && (await of(validation, everySentence(validation).attributes))] as const;
  }

  /** v_m and v_f, under the masks at the final threshold. */
  function attributesNow(): Promise<NDArray> {
    const { male, female } = train;
    const counts = attributeCounts(options);
    return staticAttributes(
      programs,
      model.at(state.parameters, final),
      { male, female, counts },
      { ...microbatchOptions(options), devices },
    );
  }

  /** Adds weight·∇L_prune to the gradients; returns L_prune. */
  async function addRegulariser(weight: number, gradients: Arrays): Promise<number> {
    const part = await programs.pruneGradients({ ...model.scoresAt(state.parameters), weight });
    accumulate(gradients as Record<string, NDArray>, part.gradients);
    return part.loss.data[0]!;
  }

  async function updateParameters(gradients: Arrays, rate: number): Promise<void> {
    const tied = layout !== undefined && layout.tied.length > 0 ? layout : undefined;
    const before = tied && copies(state.parameters);
    state = await optimizer.update(state, gradients, rate);
    if (tied) state = { ...state, parameters: mergeTied(tied, before!, state.parameters) };
    expectFinite(step + 1, model.scoresAt(state.parameters).trained);
  }

  /**
   * Averages over the last quarter of the steps that were planned; a run that may stop before averages over the steps since its
   * lowest loss as long as it has not come there.
   */
  function addToMean(threshold: number): void {
    if (step < lastQuarter && patience === Infinity) return;
    mean = meanWith(step === Math.ceil(lastQuarter) ? undefined : mean, threshold);
  }

  function meanWith(before: MeanMargins | undefined, threshold: number): MeanMargins | undefined {
    return addMargins(before, layout!, model.scores(state.parameters), threshold);
  }

  function gatesAt(threshold: number) {
    return gates(layout, layout === undefined ? {} : model.scores(state.parameters), threshold);
  }

  /** As things stand now, whatever a validation finds later. */
  function stateNow(): () => TrainingState {
    const now = { step, optimizer: state, attributes, best, mean };
    return () => {
      expectFinite(now.step, now.optimizer.parameters);
      const [lowest, margins] = [storeBest(now.best), storeMargins(now.mean)];
      return {
        ...{ step: now.step, optimizer: now.optimizer },
        arrays: { attributes: now.attributes, ...lowest.arrays, ...margins.arrays },
        values: { firstLoss: firstLoss!, ...lowest.values, ...margins.values },
      };
    };
  }

  async function* validationNow(): AsyncGenerator<ValidationEvent> {
    if (checking === undefined || !at.validates(step)) return;
    expectFinite(step, state.parameters);
    const atEnd = await evaluate(final);
    const { threshold, ...pressure } = at.pressure(step);
    const open = gatesAt(threshold);
    const same = sameGates(open, atEnd);
    const current = same ? { ...atEnd, threshold, ...open } : await evaluate({ threshold, ...pressure });
    // At the final threshold stands a model that nobody trains yet.
    expectGood(atEnd.loss, "the final threshold");
    expectGood(current.loss, "the current threshold", firstLoss);
    if (step > 0) best = judge(best, atEnd.loss, step, keepBest ? state.parameters : undefined);
    if (best?.step === step && step < lastQuarter) mean = undefined;
    const epoch = Math.floor(Math.max(0, step - 1) / stepsPerEpoch);
    yield { kind: "validation", step, epoch, ...atEnd, current, best: best?.step === step, parameters };
  }

  async function settled(mean: MeanMargins): Promise<SettledEvent> {
    const before = await evaluate(final);
    const batch = someSentences(validation!, options.settleSentences ?? 100);
    const withScores = (candidate: Arrays): Arrays => ({ ...state.parameters, ...candidate });
    const scores = await settle({
      ...{ layout: layout!, scores: model.scores(state.parameters), threshold: final.threshold, mean },
      method: method as Exclude<SettleMethod, "none">,
      losses: candidateLosses({
        ...{ layout: layout!, threshold: final.threshold },
        scoresOf: (candidate) => model.scores(withScores(candidate)),
        one: async (candidate) => (await lossOf(batch, withScores(candidate), final)).loss,
        together: async (first, sets) => {
          const losses = await checking!.evaluateEach(model.at(withScores(first), final), sets, attributes, batch);
          return losses.map(weighed);
        },
      }),
    });
    const all = [state.parameters, withScores(scores)].map(model.scores) as [Arrays, Arrays];
    const changed = changedGates(layout!, ...all, final.threshold);
    state = { ...state, parameters: { ...state.parameters, ...scores } };
    const after = await evaluate(final);
    expectGood(after.loss, "the settled gates");
    return { kind: "settled", step, method, averaged: mean.steps, changed, before, ...after, parameters };
  }

  function expectGood(loss: number, what: string, first?: number): void {
    expectGoodValidation({ step, ...(layout !== undefined && { at: what }), loss, firstLoss: first });
  }

  async function evaluate(pressure: Pressure): Promise<Evaluation> {
    const losses = await lossOf(everySentence(validation!), state.parameters, pressure);
    const { threshold } = pressure;
    return { ...losses, threshold, ...gatesAt(threshold) };
  }

  async function lossOf(batch: DebiasBatch, trained: Arrays, { threshold, temperature }: Pressure) {
    const now = model.at(trained, { threshold, temperature });
    const losses = await checking!.evaluate(now, attributes, batch);
    return { loss: weighed(losses), ...losses };
  }

  function weighed({ lossDebias, lossKeep }: Losses): number {
    return settings.alpha * lossDebias + settings.beta * lossKeep;
  }
}
