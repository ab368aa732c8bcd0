export { finetune } from "./finetune.ts";
export type { FinetuneOptions } from "./options.ts";
export type { DoneEvent, EpochEvent, EpochScores, FinetuneEvent, StepEvent } from "./events.ts";
export {
  finepruneClassifier,
  type FineprunedClassifier,
  type FinepruneOptions,
  type PruneEpochEvent,
  type PruneStepEvent,
} from "./fineprune-classifier.ts";
export { mainScore, score, type SplitScore } from "./evaluate.ts";
export { scoreClassifier, type ScoreOptions } from "./score-classifier.ts";
export { predictions } from "./predict.ts";
export { submission, submissionName } from "./submission.ts";
export { type Spread, spread, spreads } from "./spread.ts";
export { majorityBaseline } from "./baseline.ts";
export { argmax, type Metrics, metrics } from "./metrics.ts";
export { pearson, spearman } from "./correlation.ts";
export type { BatchOrder } from "./batches.ts";
