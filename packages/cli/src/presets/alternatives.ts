import type { Preset } from "./preset.ts";

const model = { model_name: "bert-base-uncased" };
const named = (method: string) => `${method}/\${model.model_name}`;

export const debias_inlp: Preset = {
  about:
    "INLP (Ravfogel et al. 2020): directions by which linear classifiers tell gender are projected out of the output",
  settings: { exp_name: named("inlp"), model, alternative: { method: "inlp" } },
};

export const debias_sentence: Preset = {
  about:
    "SentenceDebias (Liang et al. 2020): the main direction in which swapped sentences differ is projected out of the output",
  settings: { exp_name: named("sentence-debias"), model, alternative: { method: "sentence_debias" } },
};

export const debias_cda: Preset = {
  about:
    "CDA (Zmigrod et al. 2019, Webster et al. 2020): masked-LM training on sentences and their copies with gender words swapped",
  settings: { exp_name: named("cda"), model, alternative: { method: "cda" } },
};

export const debias_dropout: Preset = {
  about: "dropout debiasing (Webster et al. 2020): masked-LM training with more dropout",
  settings: { exp_name: named("dropout"), model, alternative: { method: "dropout" } },
};
