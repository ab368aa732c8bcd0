import type { Family } from "./families.ts";

/** The name of a parameter in a checkpoint of the family; the encoder's stand under its prefix where there is a head. */
export const hubName = (family: Family, name: string, { prefixed }: { prefixed: boolean }): string =>
  (prefixed && !isOfHead(name) ? family.prefix : "") + theirs(family, name);

/**
 * All names under which a checkpoint may hold a parameter, the usual ones first: with and without prefix, LayerNorms as
 * `gamma` and `beta`, the bias of a masked language model as its tied decoder's.
 */
export function hubNames(family: Family, name: string): string[] {
  const usual = theirs(family, name);
  const old = usual.replace(/LayerNorm\.weight$/, "LayerNorm.gamma").replace(/LayerNorm\.bias$/, "LayerNorm.beta");
  const tied = name === "cls.predictions.bias" ? usual.replace(/bias$/, "decoder.bias") : usual;
  return [...new Set([usual, old, tied])].flatMap((known) => [family.prefix + known, known]);
}

const theirs = ({ renames }: Family, name: string): string =>
  renames.reduce((renamed, [ours, own]) => renamed.replace(ours, own), name);

const isOfHead = (name: string): boolean => /^(cls|classifier|pre_classifier|discriminator_predictions)\./.test(name);
