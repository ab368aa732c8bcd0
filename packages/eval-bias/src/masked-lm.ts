import type { Sentences, Tokenizer } from "@pruning-bias/data";
import {
  type Batch,
  type BertConfig,
  type Checkpoint,
  encode,
  maskedLmLogits,
  type Weights,
} from "@pruning-bias/model";
import { denseWeights, hostMasks, type Pruned } from "@pruning-bias/pruning";
import { type Jit, jit as compiled, ndarray, tf } from "@pruning-bias/runtime";
import { evenBatchesOf, shapeTokens } from "./batches.ts";

/** A masked language model and how it is run. */
export interface MaskedLmOptions {
  /** A checkpoint with a masked-language-model head. */
  readonly checkpoint: Checkpoint;
  /** Its tokenizer, with a mask token. */
  readonly tokenizer: Tokenizer;
  /** Masks the encoder with these scores; none by default. */
  readonly pruned?: Pruned | undefined;
  /** What compiles programs; ONNX graphs on the processor by default. */
  readonly jit?: Jit;
  /** Tokens that go through the encoder at once; 512 by default. */
  readonly batchTokens?: number;
}

/** Token ids with some of them hidden, and of which tokens the probability is asked at which positions. */
export interface Cloze {
  /** [length]: token ids with [CLS] and [SEP], some hidden. */
  readonly inputIds: readonly number[];
  /** Positions from 0, below the length, and the token whose probability is asked there. */
  readonly asked: readonly { readonly position: number; readonly token: number }[];
}

/** ln p of each token asked for, sentence by sentence, [asked] each. Refuses positions outside of a sentence by a RangeError. */
export interface MaskedLm {
  (clozes: readonly Cloze[]): Promise<Float32Array[]>;
  /** Frees its compiled programs. */
  dispose(): Promise<void>;
}

/**
 * Predicts hidden tokens in eval mode. Clozes of any sentences go through the encoder together, in batches of like length, those
 * with the same ids once; its last layer and the vocabulary are computed at the positions asked for alone.
 *
 * @throws Error where the checkpoint has no masked-language-model head
 */
export function maskedLm({
  checkpoint,
  tokenizer,
  pruned,
  jit = compiled,
  batchTokens = 512,
}: MaskedLmOptions): MaskedLm {
  const { config, weights } = checkpoint;
  if (weights["cls.predictions.bias"] === undefined) {
    throw new Error(
      `${checkpoint.dir ?? "checkpoint"}: expected a masked-language-model head, got a model without one`,
    );
  }
  const masked = pruned === undefined ? weights : maskedWeights(pruned, weights);
  const program = jit(logProbabilities(config));
  const predict = async (clozes: readonly Cloze[]): Promise<Float32Array[]> => {
    clozes.forEach(({ inputIds, asked }, row) => {
      const outside = asked.find(({ position }) => !(position in inputIds));
      if (outside === undefined) return;
      const expected = `a position among ${inputIds.length} tokens`;
      throw new RangeError(`masked LM: cloze ${row}: expected ${expected}, got ${outside.position}`);
    });
    const merged = withoutRepetitions(clozes);
    const most = (of: (cloze: Merged) => readonly unknown[]) =>
      merged.reduce((most, cloze) => Math.max(most, of(cloze).length), 1);
    const [K, A] = [most(({ positions }) => positions), most(({ asked }) => asked)];
    const results = clozes.map(({ asked }) => new Float32Array(asked.length));
    const ids = merged.map(({ inputIds }) => inputIds);
    const options = { batchTokens, pad: tokenizer.pad, shapeTokens: shapeTokens(config) };
    for (const { rows, inputIds, attentionMask, shape } of evenBatchesOf(ids, options)) {
      const [B] = shape;
      // [batch, K] and [batch, A]: where a sentence asks for fewer, the first token at the first position.
      const positions = new Int32Array(B * K);
      const at = Int32Array.from({ length: B * A }, (_, n) => Math.floor(n / A) * K);
      const tokens = new Int32Array(B * A);
      rows.forEach((row, n) => {
        const own = merged[row]!;
        positions.set(own.positions, n * K);
        own.asked.forEach(({ position, token }, k) => {
          at[n * A + k] = n * K + own.positions.indexOf(position);
          tokens[n * A + k] = token;
        });
      });
      const { data } = await program({
        ...{ inputIds, attentionMask, weights: masked },
        ...{ positions: ndarray(positions, [B, K]), at: ndarray(at), tokens: ndarray(tokens) },
      });
      rows.forEach((row, n) => {
        merged[row]!.asked.forEach(({ cloze, place }, k) => (results[cloze]![place] = data[n * A + k]!));
      });
    }
    return results;
  };
  return Object.assign(predict, { dispose: () => program.dispose() });
}

/**
 * Mean −ln p, in nats, of hidden tokens: every seventh of each sentence, so that two models are asked the same.
 *
 * @throws RangeError where no sentence has a token to hide
 */
export async function maskedLmLoss(predict: MaskedLm, tokenizer: Tokenizer, sentences: Sentences): Promise<number> {
  const clozes = Array.from({ length: sentences.length }, (_, row) => {
    const ids = [...sentences.inputIds.subarray(sentences.offsets[row], sentences.offsets[row + 1])];
    return hide(
      ids,
      [...ids.keys()].slice(1, -1).filter((position) => (position + row) % 7 === 0),
      tokenizer,
    );
  });
  if (clozes.every(({ asked }) => asked.length === 0)) {
    throw new RangeError(`maskedLmLoss: expected tokens to hide, got none in ${sentences.length} sentences`);
  }
  const logs = (await predict(clozes)).flatMap((own) => [...own]);
  return -logs.reduce((sum, log) => sum + log, 0) / logs.length;
}

/**
 * The tokens at these positions hidden, and asked for. @throws Error where the tokenizer has no mask token; RangeError for a
 * position outside
 */
export function hide(ids: readonly number[], positions: readonly number[], { mask }: Pick<Tokenizer, "mask">): Cloze {
  if (mask === undefined) throw new Error("masked LM: expected a tokenizer with a mask token, got one without");
  const outside = positions.find((position) => !(position in ids));
  if (outside !== undefined) {
    throw new RangeError(`masked LM: expected positions among ${ids.length} tokens, got ${outside}`);
  }
  const hidden = [...ids];
  for (const position of positions) hidden[position] = mask;
  return { inputIds: hidden, asked: positions.map((position) => ({ position, token: ids[position]! })) };
}

const maskedWeights = ({ layout, scores, threshold }: Pruned, weights: Checkpoint["weights"]) =>
  denseWeights(layout, weights, hostMasks(layout, { ...weights, ...scores }, threshold));

/** Clozes with the same ids as one, and whose tokens it is asked for. */
interface Merged {
  readonly inputIds: readonly number[];
  readonly positions: number[];
  readonly asked: {
    readonly position: number;
    readonly token: number;
    readonly cloze: number;
    readonly place: number;
  }[];
}

function withoutRepetitions(clozes: readonly Cloze[]): Merged[] {
  const byIds = new Map<string, Merged>();
  for (const [cloze, { inputIds, asked }] of clozes.entries()) {
    const key = inputIds.join();
    const own = byIds.get(key) ?? { inputIds, positions: [], asked: [] };
    byIds.set(key, own);
    for (const [place, { position, token }] of asked.entries()) {
      if (!own.positions.includes(position)) own.positions.push(position);
      own.asked.push({ position, token, cloze, place });
    }
  }
  return [...byIds.values()];
}

interface Inputs extends Batch {
  readonly weights: Weights;
  readonly positions: tf.Tensor2D;
  readonly at: tf.Tensor1D;
  readonly tokens: tf.Tensor1D;
}

/** [batch, length] tokens, positions [batch, K] of theirs, and A tokens, each `at` one of the batch·K positions → ln p [A]. */
const logProbabilities =
  (config: BertConfig) =>
  ({ weights, positions, at, tokens, ...batch }: Inputs): tf.Tensor1D => {
    const last = encode(config, weights, batch, { lastPositions: positions }).at(-1)!; // [batch, K, hidden]
    const rows: tf.Tensor2D = tf.reshape(last, [positions.size, config.hidden_size]);
    const logits = maskedLmLogits(config, weights, rows); // [batch·K, V]
    const [K, V] = logits.shape;
    const places = tf.add(tf.mul(at, tf.scalar(V, "int32")), tokens);
    const chosen = tf.gather(tf.reshape(logits, [K * V]), places) as tf.Tensor1D;
    return tf.sub(chosen, tf.gather(tf.logSumExp(logits, 1), at));
  };
