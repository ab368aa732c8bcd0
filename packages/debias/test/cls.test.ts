import { take, type Sentences } from "@pruning-bias/data";
import { encode } from "@pruning-bias/model";
import { parsePruningSettings } from "@pruning-bias/pruning";
import { eager, ndarray, type NDArray, type tf } from "@pruning-bias/runtime";
import { expect, it } from "vitest";
import type { FinepruneOptions } from "../src/index.ts";
import { finish, smallModel, smallSentences } from "./small.ts";

const options: FinepruneOptions = {
  ...{ checkpoint: smallModel(), train: smallSentences(1), validation: smallSentences(2) },
  ...{ batchSize: 8, microbatch: 3, epochs: 2, embeddingLayer: "CLS", dropout: false },
};

/** The last hidden state at the first token of each sentence, each encoded alone. */
async function cls({ config, weights }: FinepruneOptions["checkpoint"], { length, ...sentences }: Sentences) {
  const last = eager(
    (inputs: { weights: Record<string, tf.Tensor>; inputIds: tf.Tensor2D; attentionMask: tf.Tensor2D }) =>
      encode(config, inputs.weights, inputs).at(-1)!,
  );
  const rows: number[][] = [];
  for (let row = 0; row < length; row++) {
    const ids = Int32Array.from(sentences.inputIds.subarray(sentences.offsets[row]!, sentences.offsets[row + 1]!));
    const [inputIds, attentionMask] = [ids, ids.map(() => 1)].map((own): NDArray => ndarray(own, [1, ids.length]));
    const { data } = await last({ weights, inputIds: inputIds!, attentionMask: attentionMask! });
    rows.push(Array.from(data.slice(0, config.hidden_size)));
  }
  return rows;
}

const first = (sentences: Sentences, count: number) =>
  take(
    sentences,
    Array.from({ length: count }, (_, row) => row),
  );
const mean = (rows: readonly number[][]) =>
  rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

it("layer CLS is one row of a sentence, its first token after the last layer, in either mode", async () => {
  const { checkpoint, train, validation } = options;
  const attributes = await Promise.all(
    [train.male, train.female].map(async (sentences) => mean(await cls(checkpoint, first(sentences, 7)))),
  );
  const targets = await cls(checkpoint, validation!.targets);
  const expected = targets.map((row) => attributes.reduce((sum, own) => sum + dot(row, own) ** 2, 0));
  const loss = expected.reduce((sum, own) => sum + own, 0) / expected.length;

  const [sentence, token] = [await finish(options), await finish({ ...options, debiasMode: "token" })];
  const before = sentence.events.find((event) => event.kind === "validation")!;
  expect(before.lossDebias / loss).toBeCloseTo(1, 4);
  expect(before.lossKeep).toBeCloseTo(0, 6);
  expect(token.result.weights).toEqual(sentence.result.weights);
});

it("gates are settled by it too, many candidates in one batch", async () => {
  const pruning = parsePruningSettings({ attention: { block: [4, 16] }, scoresLearningRate: 0.3 });
  const { events } = await finish({ ...options, pruning, settle: "greedy", epochs: 3 });
  const settled = events.find((event) => event.kind === "settled")!;
  expect(settled.loss).toBeLessThan(settled.before.loss * 1.5);
  expect(settled.undecided).toBe(0);
});
