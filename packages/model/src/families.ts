import type { ActivationName } from "./activations.ts";

/** What sets a family of encoders apart from BERT: in what it computes, and in what its files call things. */
export interface Family {
  /** Starts the names of its classes in Hugging Face's transformers. */
  readonly className: string;
  /** Stands before the names of the encoder's tensors in a checkpoint that has a head. */
  readonly prefix: string;
  /** Its names of tensors, from BERT's: replacements, one after the other. Heads that BERT does not have keep their own. */
  readonly renames: readonly (readonly [ours: RegExp, theirs: string])[];
  /** Its keys in `config.json`, by BERT's, where they differ. */
  readonly configKeys: Readonly<Record<string, string>>;
  /** What a key that is absent from `config.json` means, where BERT's default is another. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Keys of BERT that its `config.json` does not have, and what it computes with. */
  readonly fixed: Readonly<Record<string, unknown>>;
  /** `by index`: 0, 1, 2, …; `after padding`: real tokens count from `pad_token_id` + 1, and padding stays there. */
  readonly positions: "by index" | "after padding";
  /** Whether tokens have an embedding for the segment that they are in. */
  readonly segments: boolean;
  /** Whether embeddings go through a matrix even where they are as wide as the layers. */
  readonly alwaysProjects: boolean;
  /** Which of a layer's two sublayers has dropout before its residual sum. */
  readonly residualDropout: { readonly attention: boolean; readonly feedForward: boolean };
  /** Whether the model without a head pools. */
  readonly pooler: boolean;
  /** Whether the head for the order of sentences has as many outputs as the config has labels, and not two. */
  readonly orderByLabels: boolean;
  /** Of the masked language model; the config's `hidden_act` where absent. */
  readonly languageModelActivation?: ActivationName;
  /** Its classification head. */
  readonly classifier: ClassifierForm;
  /** Head parts of its classes, without `className`: the first that has all that is there, and no more, is written. */
  readonly classes: Readonly<Record<string, readonly HeadPart[]>>;
}

/** The classification head: the first token → dropout, if `dropsFirst` → hidden → activation → dropout → output. */
export interface ClassifierForm {
  readonly dropsFirst: boolean;
  readonly hidden: string;
  readonly activation: ActivationName;
  readonly output: string;
}

/** The parts that may stand on an encoder, each whole or absent. */
export const headParts = ["pooler", "masked-lm", "next-sentence", "replaced-token", "classifier"] as const;

/** One of `headParts`. */
export type HeadPart = (typeof headParts)[number];

const bert: Family = {
  className: "Bert",
  prefix: "bert.",
  renames: [],
  configKeys: {},
  defaults: {},
  fixed: {},
  positions: "by index",
  segments: true,
  alwaysProjects: false,
  residualDropout: { attention: true, feedForward: true },
  pooler: true,
  orderByLabels: false,
  classifier: { dropsFirst: false, hidden: "pooler.dense", activation: "tanh", output: "classifier" },
  classes: {
    ForSequenceClassification: ["classifier"],
    ForPreTraining: ["masked-lm", "next-sentence"],
    ForMaskedLM: ["masked-lm"],
    ForNextSentencePrediction: ["next-sentence"],
    Model: [],
  },
};

const distilbert: Family = {
  ...bert,
  className: "DistilBert",
  prefix: "distilbert.",
  renames: [
    [/^encoder\.layer\./, "transformer.layer."],
    [/\.attention\.self\.query\./, ".attention.q_lin."],
    [/\.attention\.self\.key\./, ".attention.k_lin."],
    [/\.attention\.self\.value\./, ".attention.v_lin."],
    [/\.attention\.output\.dense\./, ".attention.out_lin."],
    [/\.attention\.output\.LayerNorm\./, ".sa_layer_norm."],
    [/\.intermediate\.dense\./, ".ffn.lin1."],
    [/\.output\.dense\./, ".ffn.lin2."],
    [/\.output\.LayerNorm\./, ".output_layer_norm."],
    [/^cls\.predictions\.transform\.dense\./, "vocab_transform."],
    [/^cls\.predictions\.transform\.LayerNorm\./, "vocab_layer_norm."],
    [/^cls\.predictions\.bias$/, "vocab_projector.bias"],
  ],
  configKeys: {
    hidden_size: "dim",
    num_hidden_layers: "n_layers",
    num_attention_heads: "n_heads",
    intermediate_size: "hidden_dim",
    hidden_act: "activation",
    hidden_dropout_prob: "dropout",
    attention_probs_dropout_prob: "attention_dropout",
    classifier_dropout: "seq_classif_dropout",
  },
  defaults: { classifier_dropout: 0.2 },
  fixed: { layer_norm_eps: 1e-12, type_vocab_size: 1 },
  segments: false,
  residualDropout: { attention: false, feedForward: true },
  pooler: false,
  classifier: { dropsFirst: false, hidden: "pre_classifier", activation: "relu", output: "classifier" },
  classes: { ForSequenceClassification: ["classifier"], ForMaskedLM: ["masked-lm"], Model: [] },
};

const roberta: Family = {
  ...bert,
  className: "Roberta",
  prefix: "roberta.",
  renames: [
    [/^cls\.predictions\.transform\.dense\./, "lm_head.dense."],
    [/^cls\.predictions\.transform\.LayerNorm\./, "lm_head.layer_norm."],
    [/^cls\.predictions\.bias$/, "lm_head.bias"],
  ],
  defaults: { pad_token_id: 1 },
  positions: "after padding",
  languageModelActivation: "gelu",
  classifier: { dropsFirst: true, hidden: "classifier.dense", activation: "tanh", output: "classifier.out_proj" },
  classes: distilbert.classes,
};

const albert: Family = {
  ...bert,
  className: "Albert",
  prefix: "albert.",
  renames: [
    [/^embeddings_project\./, "encoder.embedding_hidden_mapping_in."],
    [/^encoder\.layer\.(\d+)\./, "encoder.albert_layer_groups.$1.albert_layers.0."],
    [/\.attention\.(self|output)\./, ".attention."],
    [/\.intermediate\.dense\./, ".ffn."],
    [/\.output\.dense\./, ".ffn_output."],
    [/\.output\.LayerNorm\./, ".full_layer_layer_norm."],
    [/^pooler\.dense\./, "pooler."],
    [/^cls\.predictions\.(transform\.)?/, "predictions."],
    [/^cls\.seq_relationship\./, "sop_classifier.classifier."],
  ],
  configKeys: { classifier_dropout: "classifier_dropout_prob" },
  defaults: {
    hidden_act: "gelu_new",
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    classifier_dropout: 0.1,
    embedding_size: 128,
    num_hidden_groups: 1,
  },
  alwaysProjects: true,
  residualDropout: { attention: true, feedForward: false },
  orderByLabels: true,
  classes: {
    ForSequenceClassification: ["classifier"],
    ForPreTraining: ["masked-lm", "next-sentence"],
    ForMaskedLM: ["masked-lm"],
    Model: [],
  },
};

const electra: Family = {
  ...bert,
  className: "Electra",
  prefix: "electra.",
  renames: [
    [/^cls\.predictions\.transform\./, "generator_predictions."],
    [/^cls\.predictions\.bias$/, "generator_lm_head.bias"],
  ],
  defaults: { embedding_size: 128 },
  pooler: false,
  languageModelActivation: "gelu",
  classifier: { dropsFirst: true, hidden: "classifier.dense", activation: "gelu", output: "classifier.out_proj" },
  classes: {
    ForSequenceClassification: ["classifier"],
    ForPreTraining: ["replaced-token"],
    ForMaskedLM: ["masked-lm"],
    Model: [],
  },
};

/** By `model_type` of `config.json`. */
export const families = { bert, distilbert, roberta, albert, electra } as const;

/** A `model_type` that can be loaded: `bert`. */
export type FamilyName = keyof typeof families;

/** The family of a model, by its config. */
export const familyOf = ({ model_type }: { readonly model_type: FamilyName }): Family => families[model_type];
