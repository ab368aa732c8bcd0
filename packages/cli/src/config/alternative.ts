import type { Alternative, Config } from "./schema.ts";

/** The settings of a run whose method is another than the debiasing loss. */
export type AlternativeConfig = Config & { readonly alternative: Alternative };

/** Whether what a run leaves is a projection of the last hidden state, and no model of its own. */
export const isProjection = ({ alternative }: Pick<Config, "alternative">): boolean =>
  alternative?.method === "inlp" || alternative?.method === "sentence_debias";

/** The file of a run in which its projection stands. */
export const PROJECTION = "projection.safetensors";
