export { adamW, type AdamWOptions, type AdamWRates, type AdamWState, biasCorrections, type Tensors } from "./adamw.ts";
export {
  accumulate,
  type Arrays,
  copies,
  initialState,
  optimizer,
  type Optimizer,
  type OptimizerState,
  type ParameterGroup,
} from "./optimizer.ts";
export { flatThenLinear, linearSchedule } from "./schedule.ts";
export { type MaskedBatch, type MaskingOptions, maskTokens } from "./masking.ts";
export { pretrain, type PretrainEvent, type PretrainOptions } from "./pretrain.ts";
