export { type AdamWOptions, biasCorrections } from "./adamw.ts";
export {
  accumulate,
  allShared,
  type Arrays,
  copies,
  initialState,
  type OptimizerState,
  type ParameterGroup,
  type Tensors,
} from "./optimizer.ts";
export { hostAdamW, type HostParameter, type HostRates } from "./host-adamw.ts";
export { hostOptimizer, type HostOptimizer, type HostOptimizerOptions } from "./host-optimizer.ts";
export { clipByGlobalNorm, globalNorm } from "./clipping.ts";
export {
  DivergenceError,
  expectConvergence,
  expectFinite,
  expectGoodValidation,
  type StepLoss,
  type ValidationLoss,
} from "./divergence.ts";
export { type EventWriter, eventWriter, type EventWriterOptions } from "./event-writer.ts";
export { type Histogram, histogram } from "./histogram.ts";
export { expectInRange, type NumberRange } from "./ranges.ts";
export { flatThenLinear, linearSchedule } from "./schedule.ts";
export { type LinearClassifier, logisticRegression } from "./logistic-regression.ts";
export { type MaskedBatch, type MaskingOptions, maskTokens } from "./masking.ts";
export { together } from "./together.ts";
export { complete } from "./complete.ts";
export { type DemoModel, demoModel, type DemoModelOptions } from "./demo-model.ts";
export { pretrain, type PretrainEvent, type PretrainOptions } from "./pretrain.ts";
export {
  type Json,
  newestTrainingState,
  readTrainingState,
  type StoredState,
  type TrainingState,
  writeTrainingState,
  type WriteStateOptions,
} from "./training-state.ts";
