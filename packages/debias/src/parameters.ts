import { type BertConfig, type Checkpoint, encoderShapes } from "@pruning-bias/model";
import { initialScores, type Layout } from "@pruning-bias/pruning";
import { allShared, type Arrays, copies, type ParameterGroup } from "@pruning-bias/training";
import type { HostModel } from "./attributes.ts";
import type { FinepruneOptions } from "./options.ts";

/** Weights and scores as they stand, by name. */
export interface Parameters {
  /** Of the encoder, by their Hugging Face names: [out, in] or [n]. */
  readonly weights: Arrays;
  /** Of the layout, fixed ones too ([rows, columns] of blocks, [n] neurons); empty where nothing is pruned. */
  readonly scores: Arrays;
}

/** What of a model trains and what stays. */
export type Subject = ReturnType<typeof subject>;

export function subject(
  { config, weights }: Checkpoint,
  layout: Layout | undefined,
  {
    scores: given = {},
    freezeWeights = layout !== undefined,
    seed = 42,
    devices = 1,
  }: Pick<FinepruneOptions, "scores" | "freezeWeights" | "seed" | "devices">,
) {
  const own = encoderWeights({ config, weights });
  const encoder = devices > 1 ? allShared(own) : own;
  const scores = layout === undefined ? {} : { ...initialScores(layout, seed), ...given };
  const scoreNames = (layout?.scores ?? []).flatMap(({ name, trained }) => (trained ? [name] : []));
  const names = [...scoreNames, ...(freezeWeights ? [] : Object.keys(encoder))];
  // Fixed scores that stand where the layout has them are left out: the masks they make are known without computing them.
  const fixedScores = omit(given, names);
  const fixed = { ...omit(encoder, names), ...fixedScores };
  if (names.length === 0) throw new Error("fineprune: expected weights or scores to train, got settings that fix all");
  const scoresFrom = (trained: Arrays): Arrays => ({ ...scores, ...pick(trained, scoreNames) });
  return {
    /** Names of what trains. */
    names,
    /** The weights as they were given. */
    encoder,
    /** What trains, before training. */
    initial: pick({ ...encoder, ...scores }, names),
    /** The model as the programs take it. */
    at: (trained: Arrays, at: Pick<HostModel, "threshold" | "temperature">): HostModel => ({ trained, fixed, ...at }),
    trainsScores: scoreNames.length > 0,
    /** The scores alone. */
    scoresAt: (trained: Arrays) => ({ trained: pick(trained, scoreNames), fixed: fixedScores }),
    /** All scores, fixed ones too, and the weights, whose magnitudes may be scores. */
    scores: (trained: Arrays): Arrays => ({ ...encoder, ...trained, ...scoresFrom(trained) }),
    /** Copies of all weights that trained, and of all scores: the optimiser writes into its arrays. */
    parameters: (trained: Arrays): Parameters => ({
      weights: { ...weights, ...copies(omit(trained, scoreNames)) },
      scores: copies(scoresFrom(trained)),
    }),
  };
}

/** The encoder's own weights, without heads and pooler, which debiasing does not read. */
export function encoderWeights({ config, weights }: { readonly config: BertConfig; readonly weights: Arrays }): Arrays {
  const shapes = encoderShapes(config);
  return Object.fromEntries(Object.entries(weights).filter(([name]) => name in shapes));
}

/** Scores, biases and LayerNorms (never decayed), other weights, as nn_pruning groups them. */
export function parameterGroups(options: FinepruneOptions, names: readonly string[]): ParameterGroup[] {
  const { pruning, learningRate = 5e-5, weightDecay = 0, variant = "transformers" } = options;
  const eps = options.eps ?? (pruning === undefined ? 1e-8 : 1e-6);
  const shared = { variant, eps };
  const isScore = (name: string) => name.endsWith(".mask_scores");
  const undecayed = (name: string) => !isScore(name) && (name.endsWith(".bias") || name.includes("LayerNorm"));
  const groups = [
    { ...shared, names: names.filter(isScore), learningRate: pruning?.scoresLearningRate ?? 0 },
    { ...shared, names: names.filter(undecayed), learningRate },
    { ...shared, names: names.filter((name) => !isScore(name) && !undecayed(name)), learningRate, weightDecay },
  ];
  return pruning === undefined ? groups.slice(1) : groups;
}

const pick = (arrays: Arrays, names: readonly string[]): Arrays =>
  Object.fromEntries(names.map((name) => [name, arrays[name]!]));

function omit(arrays: Arrays, names: readonly string[]): Arrays {
  const left = new Set(names);
  return Object.fromEntries(Object.entries(arrays).filter(([name]) => !left.has(name)));
}
