import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sentencesOf } from "@pruning-bias/data";
import { initWeights, parseConfig } from "@pruning-bias/model";
import { generator } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { maskTokens, newestTrainingState, pretrain, type TrainingState, writeTrainingState } from "./index.ts";

const special = [0, 2, 3];
const options = { mask: 4, special, vocabularySize: 50 };

describe("masking", () => {
  const ids = Int32Array.from({ length: 400 }, (_, i) => (i % 20 === 0 ? 2 : 5 + (i % 40)));
  const { inputIds, positions, labels, weights } = maskTokens(ids, [20, 20], options, generator(1));

  it("chooses a share of the tokens and no special ones", () => {
    expect(positions).toHaveLength(60);
    const counted = weights.filter((weight) => weight > 0);
    expect(counted).toHaveLength(57); // 0.15 · 380
    expect(counted.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    counted.forEach((_, k) => expect(special).not.toContain(labels[k]));
  });

  it("keeps what stood there as the label, and hides most of it", () => {
    const chosen = [...positions].slice(0, 57);
    chosen.forEach((position, k) => expect(labels[k]).toBe(ids[position]));
    const masked = chosen.filter((position) => inputIds[position] === 4).length;
    expect(masked).toBeGreaterThan(35);
    const others = [...ids.keys()].filter((position) => !chosen.includes(position));
    others.forEach((position) => expect(inputIds[position]).toBe(ids[position]));
  });

  it("is the same for the same generator", () => {
    expect(maskTokens(ids, [20, 20], options, generator(1)).inputIds).toEqual(inputIds);
  });
});

describe("pre-training", () => {
  const sizes = { hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32 };
  const config = parseConfig({
    ...{ model_type: "bert", architectures: ["BertForMaskedLM"], vocab_size: 12, max_position_embeddings: 16 },
    ...{ ...sizes, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, pad_token_id: 0 },
  });
  // Every sentence repeats one word, so that a hidden word follows from the others.
  const count = 64;
  const rows = Array.from({ length: count }, (_, i) => [2, ...Array<number>(6).fill(5 + (i % 6)), 3]);
  const sentences = {
    length: count,
    offsets: Int32Array.from({ length: count + 1 }, (_, i) => 8 * i),
    inputIds: Uint16Array.from(rows.flat()),
    keywordMask: new Uint8Array(8 * count),
    lines: new Uint32Array(count),
  };
  const run = async (seed: number, { resume, stopAt }: { resume?: TrainingState; stopAt?: number } = {}) => {
    const weights = initWeights(config, { seed: 1, std: 0.2, head: "masked-lm" });
    const masking = { ...options, vocabularySize: 12 };
    const training = pretrain({
      checkpoint: { config, weights },
      sentences,
      masking,
      steps: 60,
      batchSize: 32,
      learningRate: 0.02,
      seed,
      ...(resume && { resume }),
    });
    const losses: number[] = [];
    for (let event = await training.next(); ; event = await training.next()) {
      if (event.done) return { losses, weights: event.value.weights };
      losses.push(event.value.loss);
      if (event.value.step === stopAt) {
        const folder = await mkdtemp(join(tmpdir(), "pretrain-"));
        await writeTrainingState(folder, event.value.state());
        return run(seed, { resume: (await newestTrainingState(folder))!.state });
      }
    }
  };

  it("learns what can be learnt, and the same for the same seed", async () => {
    const { losses, weights } = await run(1);
    expect(losses[0]).toBeGreaterThan(2);
    expect(losses.slice(-5).reduce((sum, loss) => sum + loss, 0) / 5).toBeLessThan(0.8);
    expect((await run(1)).weights).toEqual(weights);
  });

  it("that goes on from its middle ends in the same bits", async () => {
    const whole = await run(1);
    // In the middle of an epoch of two batches, so that what is left of its order counts.
    const resumed = await run(1, { stopAt: 31 });
    expect(resumed.losses).toEqual(whole.losses.slice(31));
    expect(resumed.weights).toEqual(whole.weights);
  });
});

it("pretraining refuses to train on nothing", async () => {
  const config = parseConfig({
    ...{ model_type: "bert", vocab_size: 10, hidden_size: 4, num_hidden_layers: 1, num_attention_heads: 1 },
    ...{ intermediate_size: 4, max_position_embeddings: 8 },
  });
  const checkpoint = { config, weights: initWeights(config, { seed: 1, head: "masked-lm" }) };
  const run = pretrain({ checkpoint, sentences: sentencesOf([]), masking: options, steps: 1 });
  await expect(run.next()).rejects.toThrow("pretrain: expected sentences, got none");
});
