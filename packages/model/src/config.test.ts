import { expect, it } from "vitest";
import { configJson, labelCount, maxTokens, parseConfig, weightSet, weightSets } from "./config.ts";

const bert = {
  model_type: "bert",
  vocab_size: 30522,
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
};

it("fills in Hugging Face's defaults and keeps keys of its own", () => {
  const config = parseConfig({ ...bert, transformers_version: "4.8.2" });
  expect(config).toMatchObject({
    hidden_act: "gelu",
    layer_norm_eps: 1e-12,
    pad_token_id: 0,
    hidden_dropout_prob: 0.1,
  });
  expect(config["transformers_version"]).toBe("4.8.2");
});

it("reads DistilBERT's keys as BERT's, and writes them as they were", () => {
  const distilbert = {
    ...{ model_type: "distilbert", vocab_size: 30522, max_position_embeddings: 512, pad_token_id: 0 },
    ...{ dim: 768, n_layers: 6, n_heads: 12, hidden_dim: 3072, activation: "relu", initializer_range: 0.02 },
    ...{ dropout: 0.2, attention_dropout: 0.3, seq_classif_dropout: 0.4, qa_dropout: 0.1 },
  };
  const config = parseConfig(distilbert);
  expect(config).toMatchObject({
    ...{ hidden_size: 768, num_hidden_layers: 6, num_attention_heads: 12, intermediate_size: 3072, hidden_act: "relu" },
    ...{ hidden_dropout_prob: 0.2, attention_probs_dropout_prob: 0.3, classifier_dropout: 0.4, layer_norm_eps: 1e-12 },
  });
  expect(configJson(config)).toStrictEqual(distilbert);
});

it("knows each family's own defaults", () => {
  const of = (model_type: string) => parseConfig({ ...bert, model_type });
  expect(of("albert")).toMatchObject({ hidden_act: "gelu_new", hidden_dropout_prob: 0, embedding_size: 128 });
  expect(of("electra").embedding_size).toBe(128);
  expect(of("roberta").pad_token_id).toBe(1);
  expect(of("distilbert").classifier_dropout).toBe(0.2);
});

it("counts the tokens that a sequence may have, and the sets of weights", () => {
  const with514 = { ...bert, max_position_embeddings: 514 };
  expect(maxTokens(parseConfig(with514))).toBe(514);
  expect(maxTokens(parseConfig({ ...with514, model_type: "roberta" }))).toBe(512);
  const albert = parseConfig({ ...bert, model_type: "albert", num_hidden_groups: 3 });
  expect(weightSets(albert)).toBe(3);
  expect([0, 3, 4, 11].map((layer) => weightSet(albert, layer))).toStrictEqual([0, 0, 1, 2]);
  expect([0, 5, 11].map((layer) => weightSet(parseConfig(bert), layer))).toStrictEqual([0, 5, 11]);
});

it("counts labels as Hugging Face does", () => {
  expect(labelCount(parseConfig(bert))).toBe(2);
  expect(labelCount(parseConfig({ ...bert, num_labels: 3 }))).toBe(3);
  expect(labelCount(parseConfig({ ...bert, id2label: { "0": "score" } }))).toBe(1);
});

it.each([
  [
    { hidden_act: "silu" },
    'hidden_act: expected one of "gelu"|"gelu_new"|"gelu_pytorch_tanh"|"relu"|"tanh", got "silu"',
  ],
  [{ position_embedding_type: "relative_key" }, 'position_embedding_type: expected "absolute", got "relative_key"'],
  [{ is_decoder: true }, "is_decoder: expected false, got true"],
  [{ add_cross_attention: true }, "add_cross_attention: expected false, got true"],
  [{ tie_word_embeddings: false }, "tie_word_embeddings: expected true, got false"],
  [{ num_attention_heads: 7 }, "hidden_size: expected a multiple of num_attention_heads (7), got 768"],
  [{ hidden_size: undefined }, "hidden_size: expected number, got nothing"],
  [
    { model_type: "mpnet", vocab_size: undefined },
    'model_type: expected one of "bert"|"distilbert"|"roberta"|"albert"|"electra", got "mpnet"',
  ],
  [{ pruned_heads: { 3: [0] } }, 'pruned_heads: expected none (save the model with its heads), got {"3":[0]}'],
  [{ quantization_config: { bits: 8 } }, 'quantization_config: expected null, got {"bits":8}'],
  [{ model_type: "albert", inner_group_num: 2 }, "inner_group_num: expected 1, got 2"],
  [{ model_type: "albert", num_hidden_groups: 13 }, "num_hidden_groups: expected at most 12, got 13"],
  [{ model_type: "distilbert", dim: 700 }, "dim: expected a multiple of n_heads (12), got 700"],
  [{ model_type: "distilbert", activation: "silu", vocab_size: "x" }, "vocab_size: expected number, got"],
  [{ model_type: "distilbert", sinusoidal_pos_embds: true }, "sinusoidal_pos_embds: expected false, got true"],
  [
    { model_type: "roberta", pad_token_id: null },
    "pad_token_id: expected a number, from which positions count, got null",
  ],
])("refuses by name what it cannot compute: %j", (change, message) => {
  expect(() => parseConfig({ ...bert, ...change }, "bert/config.json")).toThrow(`bert/config.json: ${message}`);
});

it("refuses what is no configuration", () => {
  expect(() => parseConfig([], "config.json")).toThrow("config.json: expected object, got []");
});
