import type { SeatTest, Tokenizer } from "@pruning-bias/data";
import { type Checkpoint, encode, type Gates, maxTokens, type Weights, weightSets } from "@pruning-bias/model";
import { type Jit, jit as compiled, ndarray, type NDArray, tf, zeros } from "@pruning-bias/runtime";
import { batchesOf, type TokenBatch } from "./batches.ts";
import { type Protocol, scatterRows, sentenceEmbedding, tokenised } from "./embedder.ts";
import { seat, seatSentences } from "./seat.ts";

/** Attention heads that are closed, `[layer][head]`. */
export type ClosedHeads = readonly (readonly boolean[])[];

/** An attention head. */
export interface Head {
  readonly layer: number;
  readonly head: number;
}

/** Effect sizes by test. */
export type Effects = Readonly<Record<string, number>>;

/** Whose heads are closed one at a time, and by which tests. */
export interface HeadMapOptions {
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly tests: readonly SeatTest[];
  /** Of the last layer. */
  readonly protocol?: Protocol;
  readonly jit?: Jit;
  /** Sentences that go through the encoder at once. */
  readonly batchSize?: number;
}

/** What SEAT says of an encoder with heads closed. */
export interface HeadMap {
  /** All heads open. */
  readonly none: ClosedHeads;
  /** The effects with these heads closed, none by default. */
  effects(closed?: ClosedHeads): Promise<Effects>;
  /**
   * The effects with each single head closed on top of those in `closed`, from layer 0 up; of the heads in `only`, or
   * all. The layers below a head are computed once for all of its layer.
   */
  each(closed?: ClosedHeads, only?: readonly Head[]): AsyncGenerator<Head & { readonly effects: Effects }>;
  dispose(): Promise<void>;
}

/**
 * Where in an encoder its bias sits: SEAT with attention heads closed, that is, with their values and the values' biases
 * taken for zero.
 *
 * With the layers below computed once, closing each of H heads in each of L layers computes H·L·(L + 1)/2 layers and not
 * H·L·L; the last layer is computed where the protocol reads it.
 */
export function headMap({
  checkpoint: { config, weights },
  tokenizer,
  tests,
  protocol = "cls",
  jit = compiled,
  batchSize = 64,
}: HeadMapOptions): HeadMap {
  const { num_hidden_layers: L, num_attention_heads: H, hidden_size: D } = config;
  if (weightSets(config) < L) {
    throw new Error(
      `headMap: expected layers with weights of their own, got ${L} layers that share those of ${weightSets(config)}`,
    );
  }
  const sentences = seatSentences(tests);
  const options = { batchSize, positions: maxTokens(config), pad: tokenizer.pad };
  const batches = [...batchesOf(tokenised(sentences, tokenizer, protocol), options)];
  const first = (ids: tf.Tensor2D) => tf.zeros([ids.shape[0], 1], "int32") as tf.Tensor2D;

  // (B, S) tokens, or hidden states after some layers → (B, D). Programs of a layer run in a row, since each has threads of
  // its own, which would be in the way of the next one's.
  const embeddingsFrom = (layer: number | undefined) =>
    jit(({ hidden, open, attentionMask, ...inputs }: Inputs) => {
      const options = {
        ...(layer !== undefined && { from: { layer, hidden: hidden! } }),
        ...(protocol !== "mean" && { lastPositions: first(inputs.inputIds) }),
        gates: gatesOf(open),
      };
      const state = encode(config, inputs.weights, { inputIds: inputs.inputIds, attentionMask }, options).at(-1)!;
      return sentenceEmbedding(state, attentionMask, protocol);
    });
  /** Hidden states after `layer` layers from those after one less, or from tokens. */
  const stateAfter = (layer: number) =>
    jit(({ hidden, open, attentionMask, ...inputs }: Inputs) => {
      const from = hidden === undefined ? {} : { from: { layer: layer - 1, hidden } };
      const options = { layers: layer, ...from, gates: gatesOf(open) };
      return encode(config, inputs.weights, { inputIds: inputs.inputIds, attentionMask }, options).at(-1)!;
    });
  const whole = embeddingsFrom(undefined);
  const rest = Array.from({ length: L }, (_, layer) => embeddingsFrom(layer));
  const states = Array.from({ length: L }, (_, layer) => stateAfter(layer));
  const none = noHeads(L, H);
  const inputs = ({ inputIds, attentionMask }: TokenBatch) => ({ weights, inputIds, attentionMask });

  const embeddingsOf = () => zeros([sentences.length, D]);
  const measure = async (embeddings: NDArray): Promise<Effects> => {
    const results = await seat({ tests, embed: async () => embeddings, protocol, samples: 1, bootstrapSamples: 0 });
    return Object.fromEntries(results.map(({ test, effectSize }) => [test, effectSize]));
  };

  async function effects(closed: ClosedHeads = none): Promise<Effects> {
    const embeddings = embeddingsOf();
    for (const batch of batches) {
      scatterRows(await whole({ ...inputs(batch), open: openGates(closed, 0) }), batch.rows, embeddings);
    }
    return measure(embeddings);
  }

  async function* each(closed: ClosedHeads = none, only?: readonly Head[]) {
    // Of every batch, the hidden states below the layer whose heads are closed.
    const below: NDArray[] = [];
    for (const batch of batches) below.push(await states[0]!({ ...inputs(batch), open: {} }));
    for (let layer = 0; layer < L; layer++) {
      const heads = closed[layer]!.flatMap((shut, head) =>
        !shut && (only?.some((other) => other.layer === layer && other.head === head) ?? true) ? [head] : [],
      );
      const embeddings = heads.map(embeddingsOf);
      for (const [n, batch] of batches.entries()) {
        for (const [k, head] of heads.entries()) {
          const open = openGates(withClosed(closed, { layer, head }), layer);
          const result = await rest[layer]!({ ...inputs(batch), hidden: below[n]!, open });
          scatterRows(result, batch.rows, embeddings[k]!);
        }
      }
      for (const [k, head] of heads.entries()) yield { layer, head, effects: await measure(embeddings[k]!) };
      if (layer === L - 1) return;
      for (const [n, batch] of batches.entries()) {
        const open = openGates(closed, layer, layer + 1);
        below[n] = await states[layer + 1]!({ ...inputs(batch), hidden: below[n]!, open });
      }
    }
  }

  const dispose = async () => {
    await Promise.all([whole, ...rest, ...states].map((program) => program.dispose()));
  };
  return { none, effects, each, dispose };
}

interface Inputs {
  readonly weights: Weights;
  readonly inputIds: tf.Tensor2D;
  readonly attentionMask: tf.Tensor2D;
  /** (B, S, D) */
  readonly hidden?: tf.Tensor3D;
  /** By layer, (H): 1 for a head that is open. */
  readonly open: Readonly<Record<string, tf.Tensor1D>>;
}

/** Where a head's values join the others': to gate them there takes their biases with them. */
const gatesOf = (open: Inputs["open"]): Gates =>
  Object.fromEntries(
    Object.entries(open).map(([layer, gate]) => [`encoder.layer.${layer}.attention.output.dense`, { columns: gate }]),
  );

const openGates = (closed: ClosedHeads, from: number, to = closed.length): Record<string, NDArray> =>
  Object.fromEntries(
    closed.slice(from, to).map((heads, n) => [from + n, ndarray(Float32Array.from(heads, (shut) => (shut ? 0 : 1)))]),
  );

/** These heads closed, and one more. */
export const withClosed = (closed: ClosedHeads, { layer, head }: Head): ClosedHeads =>
  closed.map((heads, l) => (l === layer ? heads.with(head, true) : heads));

/** All heads open. */
export const noHeads = (layers: number, heads: number): boolean[][] =>
  Array.from({ length: layers }, () => Array<boolean>(heads).fill(false));
