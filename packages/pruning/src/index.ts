export { fromNnPruning, type NnPruningKeys, NnPruningSettings, type OwnSettings } from "./nn-pruning.ts";
export { parsePruningSettings, PruningSettings } from "./settings.ts";
export {
  type EncoderSizes,
  type Group,
  initialScores,
  type Layout,
  type MaskedModule,
  scoreLayout,
  type ScoreTensor,
  trainedScores,
} from "./layout.ts";
export { type Position, rampSteps, schedule } from "./schedule.ts";
export { applyMasks } from "./apply-masks.ts";
export { encodeMasked, type MaskedWeights, type Pruned } from "./encode-masked.ts";
export { type Linear, maskLinear } from "./masked-linear.ts";
export { type Binariser, binarise, hostBinarise, type MethodName } from "./methods.ts";
export { regulariser, regulariserGroups } from "./regulariser.ts";
export { type HostMask, type HostMasks, hostMasks, type HostScores, undecided } from "./host-masks.ts";
export { headsOpen, openHeads, type OpenHead } from "./heads.ts";
export { readScores, readScoreSettings, writeScores } from "./state-dict.ts";
