export { fromNnPruning, type NnPruningKeys, NnPruningSettings, type OwnSettings } from "./nn-pruning.ts";
export { type KnownMethods, parsePruningSettings, PruningSettings } from "./settings.ts";
export {
  type EncoderSizes,
  type Group,
  type Layout,
  type MaskedModule,
  type MaskSource,
  scoreLayout,
  type ScoreTensor,
  trainedScores,
} from "./layout.ts";
export { initialScores } from "./initial.ts";
export { mergeTied } from "./tied.ts";
export { annealed, bestTwo, patterns } from "./ampere.ts";
export { type Position, rampSteps, schedule, type Scheduled } from "./schedule.ts";
export { applyMasks, type MaskTraining } from "./apply-masks.ts";
export { encodeMasked, type EncodeMaskedOptions, type MaskedWeights, type Pruned } from "./encode-masked.ts";
export { type GateSets, gateSets, gateTensors } from "./gate-sets.ts";
export { type Linear, maskLinear } from "./masked-linear.ts";
export {
  type Binariser,
  binarise,
  hostBinarise,
  type Method,
  type MethodName,
  methodOf,
  nameOf,
  type Noise,
  type PruningMethod,
  straightThrough,
} from "./methods.ts";
export { definePruningMethod, type PruningMethodOptions } from "./define-method.ts";
export { regulariser, regulariserGroups } from "./regulariser.ts";
export { cutoffs, type HostMask, type HostMasks, hostMasks, type HostScores, undecided } from "./host-masks.ts";
export { headsOpen, openHeads, type OpenHead } from "./heads.ts";
export { readPruned, readScores, readScoreSettings, writeScores } from "./state-dict.ts";
export { closedByMagnitude, denseWeights } from "./dense.ts";
export { compactCheckpoint, type Compacted, type CompactedLayer } from "./compact.ts";
export { densitiesOf, prunedCheckpoint, type PrunedForm, type PruningReport } from "./pruned-checkpoint.ts";
export { type Agreement, maskAgreement, type RunAgreement, runAgreement } from "./agreement.ts";
export { type PlannedRun, pruningWarnings } from "./warnings.ts";
