export { associations, type AssociationOptions, type Sets } from "./associations.ts";
export { effectSize } from "./effect-size.ts";
export { permutationTest, type PermutationOptions, type PermutationTest } from "./permutation-test.ts";
export { normalTest } from "./normal-test.ts";
export { type Current, type Embedder, embedder, type EmbedderOptions, type Protocol, protocols } from "./embedder.ts";
export { seat, type SeatOptions, type SeatResult } from "./seat.ts";
export { type Cloze, type MaskedLm, maskedLm, maskedLmLoss, type MaskedLmOptions } from "./masked-lm.ts";
export { type PronounGap, pronounGap, type PronounItem } from "./pronoun-gap.ts";
