import { printable, shown } from "@pruning-bias/files";
import { z } from "zod";
import { activations, type ActivationName } from "./activations.ts";
import { families, familyOf, type FamilyName } from "./families.ts";

const size = z.int().positive();
/** Every layer makes names and shapes before a weight is looked at. */
const layers = size.max(1000);
const probability = z.number().min(0).lt(1);

const count = z.int().nonnegative();

/** What is left in a set of weights from which pruning has removed what does nothing. */
const CompactLayer = z.strictObject({
  heads: count,
  query_size: count.describe("width of a head's queries and keys"),
  value_size: count.describe("width of a head's values"),
  uniform_size: count.describe("values of the heads that attend to all tokens alike, together"),
  intermediate_size: count.describe("neurons of the feed-forward network"),
});

/** Sizes of a layer's attention and feed-forward network. */
export type LayerSizes = z.infer<typeof CompactLayer>;

/**
 * A Hugging Face `config.json` of BERT or a relative, under BERT's keys; keys we do not use are kept. What would change
 * the computation and is not supported is refused by name.
 */
export const BertConfig = z.looseObject({
  model_type: z.enum(Object.keys(families) as [FamilyName, ...FamilyName[]]),
  architectures: z.array(z.string()).nullish().describe("class that wrote the checkpoint, such as BertForMaskedLM"),
  vocab_size: size.describe("rows of the table of word embeddings"),
  hidden_size: size.describe("width of a hidden state"),
  embedding_size: size.optional().describe("width of the embeddings; hidden_size where absent"),
  num_hidden_layers: layers.describe("layers, each of which counts, with weights of its own or not"),
  num_hidden_groups: size.optional().describe("sets of weights that the layers share; one for each where absent"),
  inner_group_num: z.literal(1).nullish(),
  num_attention_heads: size.describe("heads of a layer; they divide hidden_size"),
  intermediate_size: size.describe("neurons of a layer's feed-forward network"),
  max_position_embeddings: size.default(512).describe("rows of the table; see maxTokens"),
  type_vocab_size: size.default(2).describe("segments"),
  hidden_act: z.enum(Object.keys(activations) as [ActivationName, ...ActivationName[]]).default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-12).describe("added to the variance"),
  hidden_dropout_prob: probability.default(0.1).describe("of embeddings and of what sublayers add"),
  attention_probs_dropout_prob: probability.default(0.1).describe("of attention probabilities"),
  classifier_dropout: probability.nullish().describe("hidden_dropout_prob where absent"),
  initializer_range: z.number().positive().default(0.02).describe("standard deviation of weights that are drawn"),
  pad_token_id: z.int().nonnegative().nullable().default(0).describe("its word embedding gets no gradient"),
  id2label: z.record(z.string(), z.string()).optional().describe("names of a classifier's outputs, from 0"),
  num_labels: size.optional().describe("their number, where they have no names; 2 where absent"),
  position_embedding_type: z.literal("absolute").nullish(),
  sinusoidal_pos_embds: z.literal(false).nullish(),
  is_decoder: z.literal(false).nullish(),
  is_encoder_decoder: z.literal(false).nullish(),
  add_cross_attention: z.literal(false).nullish(),
  tie_word_embeddings: z.literal(true).nullish(),
  pruned_heads: z.record(z.string(), z.unknown()).nullish(),
  quantization_config: z.null().optional(),
  compact_layers: z.array(CompactLayer).optional().describe("ours: sizes of each set of weights, where they differ"),
});

/** A checked `config.json` of one of the families. */
export type BertConfig = z.infer<typeof BertConfig>;

/**
 * Checks a parsed `config.json`; `path` names it in errors.
 *
 * @throws Error `PATH: KEY: expected …, got …`, all problems in one line
 */
export function parseConfig(value: unknown, path = "config"): BertConfig {
  const ours = underOurKeys(value);
  const { data: config, error } = BertConfig.safeParse(ours);
  if (config === undefined) throw new Error(`${path}: ${problems(error.issues, ours)}`);
  const fail = (key: keyof BertConfig, expected: string): never => {
    throw new Error(`${path}: ${theirKey(config, key)}: expected ${expected}, got ${shown(config[key])}`);
  };
  const { hidden_size, num_attention_heads, num_hidden_layers, num_hidden_groups = 1, pruned_heads } = config;
  if (hidden_size % num_attention_heads !== 0) {
    fail("hidden_size", `a multiple of ${theirKey(config, "num_attention_heads")} (${num_attention_heads})`);
  }
  if (num_hidden_groups > num_hidden_layers) fail("num_hidden_groups", `at most ${num_hidden_layers}`);
  if (Object.keys(pruned_heads ?? {}).length > 0) fail("pruned_heads", "none (save the model with its heads)");
  if (familyOf(config).positions === "after padding" && config.pad_token_id === null) {
    fail("pad_token_id", "a number, from which positions count");
  }
  const { compact_layers: compact } = config;
  if (compact !== undefined && compact.length !== weightSets(config)) {
    fail("compact_layers", `${weightSets(config)} entries`);
  }
  if (maxTokens(config) < 1) fail("max_position_embeddings", `more than pad_token_id + 1`);
  return config;
}

/** The config as its family's `config.json` has it. */
export function configJson(config: BertConfig): Record<string, unknown> {
  const { fixed } = familyOf(config);
  const own = Object.entries(config).filter(([key]) => !(key in fixed));
  return Object.fromEntries(own.map(([key, value]) => [theirKey(config, key), value]));
}

/** Outputs of the classification head: the labels named, else 2 as in Hugging Face; 1 is a regression. */
export const labelCount = ({ id2label, num_labels }: BertConfig): number =>
  id2label === undefined ? (num_labels ?? 2) : Object.keys(id2label).length;

/** How many tokens a sequence may have: RoBERTa's first positions belong to padding. */
export const maxTokens = (config: BertConfig): number =>
  config.max_position_embeddings - (familyOf(config).positions === "after padding" ? config.pad_token_id! + 1 : 0);

/** Which set of weights a layer uses, `encoder.layer.SET`: its own, or in ALBERT that of its group. */
export const weightSet = (config: BertConfig, layer: number): number =>
  Math.floor((layer * weightSets(config)) / config.num_hidden_layers);

/** How many sets of weights the layers have between them. */
export const weightSets = ({ num_hidden_groups, num_hidden_layers }: BertConfig): number =>
  num_hidden_groups ?? num_hidden_layers;

/** The sizes of a set of weights: those of the config, or what compaction has left of them. */
export function layerSizes(config: BertConfig, set: number): LayerSizes {
  const { hidden_size, num_attention_heads, intermediate_size, compact_layers } = config;
  const size = hidden_size / num_attention_heads;
  const whole = { heads: num_attention_heads, query_size: size, value_size: size, uniform_size: 0, intermediate_size };
  return compact_layers?.[set] ?? whole;
}

/** Width of the embeddings. */
export const embeddingSize = ({ embedding_size, hidden_size }: BertConfig): number => embedding_size ?? hidden_size;

/** Whether a matrix takes the embeddings to the layers' width. */
export const projectsEmbeddings = (config: BertConfig): boolean =>
  familyOf(config).alwaysProjects || embeddingSize(config) !== config.hidden_size;

function underOurKeys(value: unknown): unknown {
  const family = families[(value as { model_type?: FamilyName } | null)?.model_type as FamilyName];
  if (family === undefined) return value;
  const ours = new Map(Object.entries(family.configKeys).map(([our, their]) => [their, our]));
  const renamed = Object.entries(value as object).map(([key, entry]) => [ours.get(key) ?? key, entry] as const);
  return { ...family.defaults, ...Object.fromEntries(renamed), ...family.fixed };
}

const theirKey = (config: { readonly model_type?: unknown }, key: string): string =>
  families[config.model_type as FamilyName]?.configKeys[key] ?? key;

function problems(issues: readonly z.core.$ZodIssue[], value: unknown): string {
  // Another family lacks half of the keys; only its name matters.
  const family = issues.filter(({ path }) => path[0] === "model_type");
  const told = (family.length > 0 ? family : issues).slice(0, MOST_TOLD);
  return told.map((issue) => problem(issue, value)).join("; ");
}

const MOST_TOLD = 8;

function problem({ path, message }: z.core.$ZodIssue, value: unknown): string {
  const got = path.reduce<unknown>((node, key) => (node as Record<PropertyKey, unknown> | undefined)?.[key], value);
  const expected = message.replace(/^Invalid (input|option): |, received .*$/g, "");
  const [first, ...rest] = path.map(String);
  const key = first === undefined ? "" : `${[theirKey(value as object, first), ...rest].join(".")}: `;
  return `${printable(key)}${printable(expected)}, got ${got === undefined ? "nothing" : shown(got)}`;
}
