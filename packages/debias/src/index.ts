export { debiasLoss, keepLoss, type LossForm, lossForms } from "./loss.ts";
export {
  type DebiasMode,
  debiasModes,
  type EmbeddingLayer,
  embeddingLayers,
  hiddenStateIndices,
  sentenceRows,
  tokenRows,
} from "./embeddings.ts";
export { fineprune } from "./fineprune.ts";
export type { FinepruneOptions } from "./options.ts";
export { type Gates, gates, sameGates } from "./gates.ts";
export type { EpochEvent, Evaluation, FinepruneEvent, FinepruneResult, StepEvent, ValidationEvent } from "./events.ts";
export type { Parameters } from "./parameters.ts";
export type { DebiasBatch, DebiasSentences, Losses } from "./losses.ts";
