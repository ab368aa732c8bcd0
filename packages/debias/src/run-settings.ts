import type { Layout } from "@pruning-bias/pruning";
import type { MicrobatchOptions } from "./microbatches.ts";
import type { FinepruneOptions } from "./options.ts";
import type { ProgramSettings } from "./programs.ts";

/** What the tensor functions of a run are made from. */
export function programSettings(options: FinepruneOptions, layout: Layout | undefined): ProgramSettings {
  const reference = options.compat === "reference";
  const { embeddingLayer = "last", debiasMode = "sentence" } = options;
  return {
    subject: { config: options.checkpoint.config, ...(layout && { layout }) },
    ...(options.pruning && { pruning: options.pruning }),
    embeddingLayer,
    // [CLS] is one row of a sentence in either mode, as in the original.
    mode: embeddingLayer === "CLS" ? "token" : debiasMode,
    form: options.lossForm ?? (reference ? "squared_sum" : "sum_of_squares"),
    positions: reference ? "all" : "real",
    alpha: options.alpha ?? 0.2,
    beta: options.beta ?? 0.8,
    dropout: options.dropout ?? true,
    trainMode: options.trainMode ?? true,
    originalDropout: reference && (options.dropout ?? true) && (options.trainMode ?? true),
  };
}

/** How its batches are cut. */
export const microbatchOptions = ({
  checkpoint: { config },
  tokenBudget = 1024,
  microbatch,
  compat,
  referenceWidth = 128,
}: FinepruneOptions): MicrobatchOptions => ({
  tokenBudget,
  size: microbatch,
  padTokenId: config.pad_token_id ?? 0,
  width: compat === "reference" ? referenceWidth : undefined,
});

/** How many sentences of each class static attributes are the mean of: as many of both, or, in the original, as many batches. */
export function attributeCounts({
  train: { male, female },
  batchSize = 128,
  staticSentences = Infinity,
  compat,
}: Pick<FinepruneOptions, "train" | "batchSize" | "staticSentences" | "compat">): readonly [
  male: number,
  female: number,
] {
  const least = Math.min(male.length, female.length);
  const most = Math.min(compat === "reference" ? Math.ceil(least / batchSize) * batchSize : least, staticSentences);
  return [Math.min(male.length, most), Math.min(female.length, most)];
}
