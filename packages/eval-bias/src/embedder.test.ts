import type { Tokenizer } from "@pruning-bias/data";
import { type BertConfig, type Checkpoint, initWeights, parseConfig } from "@pruning-bias/model";
import { initialScores, parsePruningSettings, scoreLayout } from "@pruning-bias/pruning";
import { eager, jit, type NDArray } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { embedder, protocols } from "./index.ts";

const config: BertConfig = parseConfig({
  model_type: "bert",
  vocab_size: 30,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 24,
  max_position_embeddings: 40,
});
const checkpoint: Checkpoint = { config, weights: initWeights(config, { seed: 5, std: 0.3 }) };
const tokenizer = letters();
const sentences = ["abc", "hello world and some more", "x", "a rather long sentence", "cab"];

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("embedder, %s", (_, jit) => {
  it.each(protocols)("embeds a sentence with %s alone as in any batch", async (protocol) => {
    const embed = embedder({ checkpoint, tokenizer, protocol, jit, batchSize: 2 });
    const all = await embed(sentences);
    expect(all.shape).toEqual([5, 16]);
    for (const [n, sentence] of sentences.entries()) {
      const alone = await embed([sentence]);
      expect(difference(row(all, n), alone.data)).toBeLessThan(1e-5);
    }
    expect(difference(row(all, 0), row(all, 4))).toBeGreaterThan(0.01);
    await embed.dispose();
  });

  it("sees scores that close heads, and takes newer ones without compiling anew", async () => {
    const settings = parsePruningSettings({ attention: { block: [4, 16] }, valuesOnly: true, attentionOnly: true });
    const layout = scoreLayout(config, settings);
    const open = initialScores(layout);
    const closed = { ...open };
    for (const { name, trained, shape } of layout.scores) {
      if (trained) closed[name] = { dtype: "float32", shape, data: new Float32Array(open[name]!.data.length).fill(-9) };
    }
    const plain = embedder({ checkpoint, tokenizer, jit });
    const masked = embedder({ checkpoint, tokenizer, jit, pruned: { layout, scores: open, threshold: 0.1 } });
    const expected = await plain(sentences);
    expect(difference((await masked(sentences)).data, expected.data)).toBeLessThan(1e-5);
    const without = await masked(sentences, { scores: closed });
    expect(difference(without.data, expected.data)).toBeGreaterThan(0.01);
    // Without values [CLS] hears of no other token.
    expect(difference(row(without, 0), row(without, 1))).toBeLessThan(1e-5);
  });
});

it("refuses a sentence without a word piece where the first one is asked for", async () => {
  const embed = embedder({ checkpoint, tokenizer, protocol: "first" });
  await expect(embed(["abc", "  "])).rejects.toThrow('embedder: expected a sentence with tokens, got "  "');
});

/** A tokenizer of letters: 0 padding, 1 [CLS], 2 [SEP]. */
function letters(): Tokenizer {
  const pieces = (text: string) => [...text.replaceAll(" ", "")].map((letter) => letter.charCodeAt(0) - 94);
  return {
    encode: (text) => {
      const inputIds = [1, ...pieces(text), 2];
      return { inputIds, tokenTypeIds: inputIds.map(() => 0) };
    },
    pieces,
    decode: (ids) => ids.map((id) => String.fromCharCode(id + 94)).join(""),
    pad: 0,
    cls: 1,
    sep: 2,
    mask: undefined,
    unknown: undefined,
    vocabularySize: 30,
    maxLength: 40,
    fingerprint: "letters",
  };
}

const row = ({ data, shape }: NDArray, n: number) => data.subarray(n * shape[1]!, (n + 1) * shape[1]!);

const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, n) => Math.abs(value - b[n]!)));
