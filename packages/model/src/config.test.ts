import { expect, it } from "vitest";
import { labelCount, parseConfig } from "./config.ts";

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

it("counts labels as Hugging Face does", () => {
  expect(labelCount(parseConfig(bert))).toBe(2);
  expect(labelCount(parseConfig({ ...bert, num_labels: 3 }))).toBe(3);
  expect(labelCount(parseConfig({ ...bert, id2label: { "0": "score" } }))).toBe(1);
});

it.each([
  [{ hidden_act: "silu" }, 'hidden_act: expected one of "gelu"|"gelu_new"|"gelu_pytorch_tanh"|"relu", got "silu"'],
  [{ position_embedding_type: "relative_key" }, 'position_embedding_type: expected "absolute", got "relative_key"'],
  [{ is_decoder: true }, "is_decoder: expected false, got true"],
  [{ add_cross_attention: true }, "add_cross_attention: expected false, got true"],
  [{ tie_word_embeddings: false }, "tie_word_embeddings: expected true, got false"],
  [{ num_attention_heads: 7 }, "hidden_size: expected a multiple of num_attention_heads (7), got 768"],
  [{ hidden_size: undefined }, "hidden_size: expected number, got nothing"],
  [{ model_type: "distilbert", vocab_size: undefined }, 'model_type: expected "bert", got "distilbert"'],
])("refuses by name what it cannot compute: %j", (change, message) => {
  expect(() => parseConfig({ ...bert, ...change }, "bert/config.json")).toThrow(`bert/config.json: ${message}`);
});

it("refuses what is no configuration", () => {
  expect(() => parseConfig([], "config.json")).toThrow("config.json: expected object, got []");
});
