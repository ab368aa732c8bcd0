export {
  type BertConfig,
  labelCount,
  type LayerSizes,
  layerSizes,
  maxTokens,
  parseConfig,
  weightSet,
  weightSets,
} from "./config.ts";
export { families, type Family, type FamilyName, familyOf, type HeadPart } from "./families.ts";
export {
  type Batch,
  encode,
  encodeEach,
  type Encoded,
  type EncodeEachOptions,
  type EncodeOptions,
  forward,
  type Gates,
} from "./encoder.ts";
export { maskedLmLogits, nextSentenceLogits, pooled, replacedTokenLogits, sequenceLogits } from "./heads.ts";
export { type Gate, linear } from "./linear.ts";
export type { OwnGates } from "./own-gates.ts";
export { activations } from "./activations.ts";
export { parameter, type Weights } from "./weights.ts";
export { encoderShapes, headShapes, type Shapes } from "./parameters.ts";
export { type Head, initWeights, type InitOptions, withHead } from "./init.ts";
export {
  type Checkpoint,
  type CheckpointType,
  loadCheckpoint,
  saveCheckpoint,
  type SaveOptions,
  tokenizerFiles,
} from "./checkpoint.ts";
export { modelCard, type ModelCardOptions } from "./model-card.ts";
export { checkpointToOnnx } from "./onnx.ts";
export { resolveModel } from "./hub/resolve.ts";
