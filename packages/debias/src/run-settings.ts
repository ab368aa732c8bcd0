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
