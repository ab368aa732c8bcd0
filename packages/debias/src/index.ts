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
export { type SettleMethod, settleMethods } from "./settle.ts";
export type { OriginalStore } from "./original.ts";
export { plan, type Plan } from "./plan.ts";
export type { FinepruneOptions } from "./options.ts";
export { type Gates, gates, sameGates } from "./gates.ts";
export type {
  EpochEvent,
  Evaluation,
  FinepruneEvent,
  FinepruneResult,
  SettledEvent,
  StepEvent,
  ValidationEvent,
} from "./events.ts";
export type { Parameters } from "./parameters.ts";
export type { DebiasBatch, DebiasSentences, Losses } from "./losses.ts";
export { inlp, type InlpOptions, type InlpResult, type Labelled } from "./inlp.ts";
export { sentenceDebias, type SentenceDebiasResult } from "./sentence-debias.ts";
export { type PrincipalComponents, principalComponents } from "./principal-components.ts";
export * from "./projections.ts";
