import type { Sentences, Tokenizer } from "@pruning-bias/data";
import { type BertConfig, type Checkpoint, maskedLmLogits, maxTokens } from "@pruning-bias/model";
import { encodeMasked, type Layout, type MaskedWeights, type Pruned } from "@pruning-bias/pruning";
import { type Jit, jit as compiled, ndarray, tf } from "@pruning-bias/runtime";
import { batchesOf } from "./batches.ts";

/** Which masked language model scores sentences, and how many at once. */
export interface MaskedLmOptions {
  /** A checkpoint with a masked-language-model head. */
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly pruned?: Pruned | undefined;
  readonly jit?: Jit;
  /** Sentences that go through the encoder at once. */
  readonly batchSize?: number;
}

/** Token ids with some of them hidden, and of which tokens the probability is asked at which positions. */
export interface Cloze {
  readonly inputIds: readonly number[];
  readonly asked: readonly { readonly position: number; readonly token: number }[];
}

/** ln p of each token asked for, sentence by sentence. */
export interface MaskedLm {
  (clozes: readonly Cloze[]): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

/**
 * Predicts hidden tokens in eval mode. Clozes of any sentences go through the encoder together, in batches of like length;
 * its last layer and the vocabulary are computed at the positions asked for alone.
 *
 * @throws Error where the checkpoint has no masked-language-model head
 */
export function maskedLm({ checkpoint, tokenizer, pruned, jit = compiled, batchSize = 64 }: MaskedLmOptions): MaskedLm {
  const { config, weights } = checkpoint;
  if (weights["cls.predictions.bias"] === undefined) {
    throw new Error(
      `${checkpoint.dir ?? "checkpoint"}: expected a masked-language-model head, got a model without one`,
    );
  }
  const program = jit(logProbabilities(config, pruned?.layout));
  const predict = async (clozes: readonly Cloze[]): Promise<Float32Array[]> => {
    const results = clozes.map(({ asked }) => new Float32Array(asked.length));
    const ids = clozes.map(({ inputIds }) => inputIds);
    const most = clozes.reduce((most, { asked }) => Math.max(most, asked.length), 1);
    const options = { batchSize, positions: maxTokens(config), pad: tokenizer.pad, finely: true };
    for (const { rows, ...batch } of batchesOf(ids, options)) {
      const [B] = batch.shape;
      // (B, most): where a sentence asks for fewer, the first token at the first position.
      const positions = new Int32Array(B * most);
      const tokens = new Int32Array(B * most);
      rows.forEach((row, n) => {
        clozes[row]!.asked.forEach(({ position, token }, k) => {
          positions[n * most + k] = position;
          tokens[n * most + k] = token;
        });
      });
      const { data } = await program({
        ...{ inputIds: batch.inputIds, attentionMask: batch.attentionMask },
        positions: ndarray(positions, [B, most]),
        tokens: ndarray(tokens),
        ...{ weights, scores: pruned?.scores ?? {}, threshold: pruned?.threshold ?? 0 },
      });
      rows.forEach((row, n) => {
        const own = results[row]!;
        own.set(data.subarray(n * most, n * most + own.length));
      });
    }
    return results;
  };
  return Object.assign(predict, { dispose: () => program.dispose() });
}

/** Mean −ln p of hidden tokens: every seventh of each sentence, so that two models are asked the same. */
export async function maskedLmLoss(predict: MaskedLm, tokenizer: Tokenizer, sentences: Sentences): Promise<number> {
  const clozes = Array.from({ length: sentences.length }, (_, row) => {
    const ids = [...sentences.inputIds.subarray(sentences.offsets[row], sentences.offsets[row + 1])];
    return hide(
      ids,
      [...ids.keys()].slice(1, -1).filter((position) => (position + row) % 7 === 0),
      tokenizer,
    );
  });
  const logs = (await predict(clozes)).flatMap((own) => [...own]);
  return -logs.reduce((sum, log) => sum + log, 0) / logs.length;
}

/** The tokens at these positions hidden, and asked for. @throws Error where the tokenizer has no mask token */
export function hide(ids: readonly number[], positions: readonly number[], { mask }: Pick<Tokenizer, "mask">): Cloze {
  if (mask === undefined) throw new Error("masked LM: expected a tokenizer with a mask token, got one without");
  const hidden = [...ids];
  for (const position of positions) hidden[position] = mask;
  return { inputIds: hidden, asked: positions.map((position) => ({ position, token: ids[position]! })) };
}

interface Inputs extends MaskedWeights {
  readonly inputIds: tf.Tensor2D;
  readonly attentionMask: tf.Tensor2D;
  readonly positions: tf.Tensor2D;
  readonly tokens: tf.Tensor1D;
}

/** (B, S) tokens, (B, K) positions and the (B·K) tokens asked for at them → (B·K). */
const logProbabilities =
  (config: BertConfig, layout: Layout | undefined) =>
  ({ inputIds, attentionMask, positions, tokens, ...masked }: Inputs): tf.Tensor1D => {
    const options = { lastPositions: positions };
    const last = encodeMasked(config, layout, masked, { inputIds, attentionMask }, options).at(-1)!; // (B, K, D)
    const rows: tf.Tensor2D = tf.reshape(last, [tokens.size, config.hidden_size]);
    const logits = maskedLmLogits(config, masked.weights, rows); // (B·K, V)
    const [K, V] = logits.shape;
    const places = tf.add(tf.range(0, K * V, V, "int32"), tokens);
    const chosen = tf.gather(tf.reshape(logits, [K * V]), places) as tf.Tensor1D;
    return tf.sub(chosen, tf.logSumExp(logits, 1));
  };
