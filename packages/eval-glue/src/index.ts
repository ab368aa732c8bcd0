export { finetune, type FinetuneEvent, type FinetuneOptions, type SplitScore } from "./finetune.ts";
export type { Evaluation } from "./evaluate.ts";
export { majorityBaseline } from "./baseline.ts";
export { argmax, type Metrics, metrics } from "./metrics.ts";
export { pearson, spearman } from "./correlation.ts";
