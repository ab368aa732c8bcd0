export { associations, type AssociationOptions, type Sets } from "./associations.ts";
export { effectSize, effectSizeInterval } from "./effect-size.ts";
export { permutationTest, type PermutationOptions, type PermutationTest } from "./permutation-test.ts";
export { normalTest } from "./normal-test.ts";
export { type BootstrapOptions, type Interval, wilsonInterval } from "./interval.ts";
export { holm } from "./holm.ts";
export { type Change, effectChange } from "./change.ts";
export { binomialTest, mcNemarTest, type PairedAnswers } from "./binomial.ts";
export {
  type Current,
  type Embedder,
  embedder,
  type EmbedderOptions,
  type LayerEmbedder,
  layerEmbedder,
  type Protocol,
  protocols,
} from "./embedder.ts";
export { seat, type SeatOptions, type SeatResult, seatSentences } from "./seat.ts";
export {
  type ClosedHeads,
  type Effects,
  type Head,
  headMap,
  type HeadMap,
  type HeadMapOptions,
  withClosed,
} from "./head-map.ts";
export { distanceFrom, type HeadSet, headSets, type HeadSetOptions } from "./head-sets.ts";
export { type Cloze, hide, type MaskedLm, maskedLm, maskedLmLoss, type MaskedLmOptions } from "./masked-lm.ts";
export {
  crowsPairs,
  type CrowsProtocol,
  crowsProtocols,
  type CrowsRates,
  crowsRates,
  type CrowsResult,
  type CrowsScore,
  prefersStereotype,
} from "./crows-pairs.ts";
export {
  choosesStereotype,
  stereoSet,
  type StereoSetProtocol,
  stereoSetProtocols,
  stereoSetRates,
  type StereoSetRates,
  type StereoSetResult,
  wordClozes,
} from "./stereoset.ts";
export { type PronounPreference, winoBias, type WinoBiasResult } from "./winobias.ts";
export { type PronounGap, pronounGap, type PronounItem } from "./pronoun-gap.ts";
export { probe, type ProbeOptions, type ProbeResult } from "./probe.ts";
