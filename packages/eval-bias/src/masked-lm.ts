import { paddedWidth, padBatch, type Sentences, sentencesOf, type Tokenizer } from "@pruning-bias/data";
import { type BertConfig, type Checkpoint, maskedLmLogits, maxTokens } from "@pruning-bias/model";
import { encodeMasked, type Layout, type MaskedWeights, type Pruned } from "@pruning-bias/pruning";
import { type Jit, jit as compiled, ndarray, tf } from "@pruning-bias/runtime";

export interface MaskedLmOptions {
  /** A checkpoint with a masked-language-model head. */
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly pruned?: Pruned | undefined;
  readonly jit?: Jit;
  /** Sentences that go through the encoder at once. */
  readonly batchSize?: number;
}

/** Token ids with some of them hidden, and which positions to predict, by sentence. */
export interface Cloze {
  readonly inputIds: readonly number[];
  readonly positions: readonly number[];
}

/** Log probabilities of the whole vocabulary at each position asked for, sentence by sentence. */
export interface MaskedLm {
  (clozes: readonly Cloze[]): Promise<Float32Array[][]>;
  dispose(): Promise<void>;
}

/** Predicts hidden tokens in evaluation mode, in batches of like length. */
export function maskedLm({ checkpoint, tokenizer, pruned, jit = compiled, batchSize = 32 }: MaskedLmOptions): MaskedLm {
  const { config, weights } = checkpoint;
  if (weights["cls.predictions.bias"] === undefined) {
    throw new Error(
      `${checkpoint.dir ?? "checkpoint"}: expected a masked-language-model head, got a model without one`,
    );
  }
  const program = jit(logProbabilities(config, pruned?.layout));
  const predict = async (clozes: readonly Cloze[]): Promise<Float32Array[][]> => {
    const results: Float32Array[][] = clozes.map(() => []);
    const sentences = sentencesOf(clozes.map(({ inputIds }) => inputIds));
    const order = [...clozes.keys()].sort((a, b) => clozes[a]!.inputIds.length - clozes[b]!.inputIds.length || a - b);
    const most = Math.max(...clozes.map(({ positions }) => positions.length));
    for (let start = 0; start < order.length; start += batchSize) {
      const rows = order.slice(start, start + batchSize);
      const longest = clozes[rows.at(-1)!]!.inputIds.length;
      const width = paddedWidth(longest, maxTokens(config));
      const { inputIds, attentionMask, shape } = padBatch(sentences, rows, { batchSize, width, pad: tokenizer.pad });
      // (B·most): flat positions, the first where a sentence asks for fewer.
      const asked = new Int32Array(batchSize * most);
      rows.forEach((row, n) => clozes[row]!.positions.forEach((at, k) => (asked[n * most + k] = n * shape[1] + at)));
      const { data } = await program({
        inputIds: ndarray(inputIds, shape),
        attentionMask: ndarray(attentionMask, shape),
        positions: ndarray(asked),
        weights,
        scores: pruned?.scores ?? {},
        threshold: pruned?.threshold ?? 0,
      });
      const V = config.vocab_size;
      rows.forEach((row, n) => {
        results[row] = clozes[row]!.positions.map(
          (_, k) => data.slice((n * most + k) * V, (n * most + k + 1) * V) as Float32Array,
        );
      });
    }
    return results;
  };
  return Object.assign(predict, { dispose: () => program.dispose() });
}

/** Mean −log p of hidden tokens: every seventh of each sentence, so that two models are asked the same. */
export async function maskedLmLoss(predict: MaskedLm, tokenizer: Tokenizer, sentences: Sentences): Promise<number> {
  const texts = Array.from({ length: sentences.length }, (_, row) => [
    ...sentences.inputIds.subarray(sentences.offsets[row], sentences.offsets[row + 1]),
  ]);
  const clozes = texts.map((ids, row) => {
    const positions = [...ids.keys()].slice(1, -1).filter((position) => (position + row) % 7 === 0);
    return { inputIds: ids.map((id, position) => (positions.includes(position) ? tokenizer.mask! : id)), positions };
  });
  const predicted = await predict(clozes);
  const losses = clozes.flatMap(({ positions }, row) =>
    positions.map((position, k) => -predicted[row]![k]![texts[row]![position]!]!),
  );
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

interface Inputs extends MaskedWeights {
  readonly inputIds: tf.Tensor2D;
  readonly attentionMask: tf.Tensor2D;
  readonly positions: tf.Tensor1D;
}

/** (B, S) tokens and (K) flat positions → (K, V). */
const logProbabilities =
  (config: BertConfig, layout: Layout | undefined) =>
  ({ inputIds, attentionMask, positions, ...masked }: Inputs): tf.Tensor2D => {
    const last = encodeMasked(config, layout, masked, { inputIds, attentionMask }).at(-1)!; // (B, S, D)
    const [B, S, D] = last.shape;
    const rows = tf.gather(tf.reshape(last, [B * S, D]), positions) as tf.Tensor2D; // (K, D)
    return tf.logSoftmax(maskedLmLogits(config, masked.weights, rows));
  };
