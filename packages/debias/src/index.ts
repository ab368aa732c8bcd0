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
export {
  type EpochEvent,
  fineprune,
  type FinepruneEvent,
  type FinepruneOptions,
  type FinepruneResult,
  type Parameters,
  type StepEvent,
  type ValidationEvent,
} from "./fineprune.ts";
export type { DebiasBatch, DebiasSentences, Losses } from "./losses.ts";
