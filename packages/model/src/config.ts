import { z } from "zod";
import { activations, type ActivationName } from "./activations.ts";

const size = z.int().positive();
const probability = z.number().min(0).lt(1);

/**
 * A Hugging Face `config.json` of a BERT, keys as Hugging Face writes them; keys we do not use are kept. What would
 * change the computation and is not supported is refused by name.
 */
export const BertConfig = z.looseObject({
  model_type: z.literal("bert"),
  architectures: z.array(z.string()).nullish().describe("class that wrote the checkpoint, such as BertForMaskedLM"),
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  intermediate_size: size,
  max_position_embeddings: size.default(512),
  type_vocab_size: size.default(2),
  hidden_act: z.enum(Object.keys(activations) as [ActivationName, ...ActivationName[]]).default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_dropout_prob: probability.default(0.1),
  attention_probs_dropout_prob: probability.default(0.1),
  classifier_dropout: probability.nullish().describe("hidden_dropout_prob where absent"),
  initializer_range: z.number().positive().default(0.02),
  pad_token_id: z.int().nonnegative().nullable().default(0).describe("its word embedding gets no gradient"),
  id2label: z.record(z.string(), z.string()).optional(),
  num_labels: size.optional(),
  position_embedding_type: z.literal("absolute").nullish(),
  is_decoder: z.literal(false).nullish(),
  add_cross_attention: z.literal(false).nullish(),
  tie_word_embeddings: z.literal(true).nullish(),
});
export type BertConfig = z.infer<typeof BertConfig>;

/**
 * Checks a parsed `config.json`; `path` names it in errors.
 *
 * @throws Error `PATH: KEY: expected …, got …`, all problems in one line
 */
export function parseConfig(value: unknown, path = "config"): BertConfig {
  const { data: config, error } = BertConfig.safeParse(value);
  if (config === undefined) throw new Error(`${path}: ${problems(error.issues, value)}`);
  const { hidden_size, num_attention_heads } = config;
  if (hidden_size % num_attention_heads !== 0) {
    throw new Error(
      `${path}: hidden_size: expected a multiple of num_attention_heads (${num_attention_heads}), got ${hidden_size}`,
    );
  }
  return config;
}

/** Outputs of the classification head: the labels named, else 2 as in Hugging Face; 1 is a regression. */
export const labelCount = ({ id2label, num_labels }: BertConfig): number =>
  id2label === undefined ? (num_labels ?? 2) : Object.keys(id2label).length;

function problems(issues: readonly z.core.$ZodIssue[], value: unknown): string {
  // Another family lacks half of the keys; only its name matters.
  const family = issues.filter(({ path }) => path[0] === "model_type");
  return (family.length > 0 ? family : issues).map((issue) => problem(issue, value)).join("; ");
}

function problem({ path, message }: z.core.$ZodIssue, value: unknown): string {
  const got = path.reduce<unknown>((node, key) => (node as Record<PropertyKey, unknown> | undefined)?.[key], value);
  const expected = message.replace(/^Invalid (input|option): |, received .*$/g, "");
  const key = path.length === 0 ? "" : `${path.join(".")}: `;
  return `${key}${expected}, got ${got === undefined ? "nothing" : JSON.stringify(got)}`;
}
