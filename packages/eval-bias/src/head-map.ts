import type { SeatTest, Tokenizer } from "@pruning-bias/data";
import { type Checkpoint, encode, type Gates, layerSizes, type Weights, weightSet } from "@pruning-bias/model";
import { type Jit, jit as compiled, ndarray, type NDArray, tf, zeros } from "@pruning-bias/runtime";
import { evenBatchesOf, shapeTokens, type TokenBatch } from "./batches.ts";
import { type Protocol, scatterRows, sentenceEmbedding, tokenised } from "./embedder.ts";
import { seat, seatSentences } from "./seat.ts";

/** Attention heads that are closed, `[layer][head]`. */
export type ClosedHeads = readonly (readonly boolean[])[];

/** An attention head. */
export interface Head {
  /** From 0. */
  readonly layer: number;
  /** From 0, in its layer. */
  readonly head: number;
}

/** Effect sizes by test. */
export type Effects = Readonly<Record<string, number>>;

/** An encoder and the tests that each of its heads is closed for. */
export interface HeadMapOptions {
  /** The encoder, not pruned. */
  readonly checkpoint: Checkpoint;
  /** Its tokenizer. */
  readonly tokenizer: Tokenizer;
  /** Measured for each head. */
  readonly tests: readonly SeatTest[];
  /** How the last layer's states become vectors; `cls` by default. */
  readonly protocol?: Protocol;
  /** What compiles programs; ONNX graphs on the processor by default. */
  readonly jit?: Jit;
  /** Tokens that go through the encoder at once, counted for each head that is closed; 512 by default. */
  readonly batchTokens?: number;
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
  /** Frees its compiled programs. */
  dispose(): Promise<void>;
}

/**
 * Where in an encoder its bias sits: SEAT with attention heads closed, that is, with their values and the values' biases
 * taken for zero. Where layers share their weights, as in ALBERT, a head is closed in one layer and not in the others.
 *
 * With the layers below computed once, closing each of H heads in each of L layers computes H·L·(L + 1)/2 layers and not
 * H·L·L; a layer's attention is computed once for every four of its heads, the last layer where the protocol reads it.
 */
export function headMap({
  checkpoint,
  tokenizer,
  tests,
  protocol = "cls",
  jit = compiled,
  batchTokens = 512,
}: HeadMapOptions): HeadMap {
  const { config, weights } = unshared(checkpoint);
  const { num_hidden_layers: L, hidden_size: D } = config;
  const none = Array.from({ length: L }, (_, layer) => Array<boolean>(layerSizes(config, layer).heads).fill(false));
  const sentences = seatSentences(tests);
  const batches = [
    ...evenBatchesOf(tokenised(sentences, tokenizer, protocol), {
      ...{ batchTokens: batchTokens / TOGETHER, pad: tokenizer.pad },
      // A layer is compiled once for all of its heads.
      shapeTokens: shapeTokens(config) / config.num_attention_heads,
    }),
  ];

  // Programs of a layer run in a row, since each has threads of its own, which would be in the way of the next one's.
  /** [batch, length] tokens, or hidden states after some layers → [V·batch, hidden], V gates of that layer one after another. */
  const embeddingsFrom = (layer: number | undefined) =>
    jit(({ hidden, open, weights, ...batch }: Inputs) => {
      const options = {
        ...(layer !== undefined && { from: { layer, hidden: hidden! } }),
        ...(protocol !== "mean" && { lastPositions: tf.zeros([batch.inputIds.shape[0], 1], "int32") as tf.Tensor2D }),
        gates: gatesOf(open),
      };
      const state = encode(config, weights, batch, options).at(-1)!;
      const gates = state.shape[0] / batch.inputIds.shape[0];
      return sentenceEmbedding(state, tf.tile(batch.attentionMask, [gates, 1]), protocol);
    });
  /** Hidden states after `layer` layers from those after one less, or from tokens. */
  const stateAfter = (layer: number) =>
    jit(({ hidden, open, weights, ...batch }: Inputs) => {
      const from = hidden === undefined ? {} : { from: { layer: layer - 1, hidden } };
      return encode(config, weights, batch, { layers: layer, ...from, gates: gatesOf(open) }).at(-1)!;
    });
  const whole = embeddingsFrom(undefined);
  const rest = Array.from({ length: L }, (_, layer) => embeddingsFrom(layer));
  const states = Array.from({ length: L }, (_, layer) => stateAfter(layer));
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
      const together = Math.ceil(heads.length / Math.ceil(heads.length / TOGETHER));
      for (const [n, batch] of batches.entries()) {
        for (let start = 0; start < heads.length; start += together) {
          // As many gates each time, the last one again where heads are too few.
          const group = Array.from({ length: together }, (_, k) => Math.min(start + k, heads.length - 1));
          const gates = group.map((k) => gateOf(withClosed(closed, { layer, head: heads[k]! })[layer]!));
          const own = ndarray(Float32Array.from(gates.flat()), [together, gates[0]!.length]);
          const open = { ...openGates(closed, layer + 1), [layer]: own };
          const { data } = await rest[layer]!({ ...inputs(batch), hidden: below[n]!, open });
          const size = data.length / together;
          for (const [k, head] of group.entries()) {
            const result = ndarray(data.subarray(k * size, (k + 1) * size) as Float32Array, [size / D, D]);
            scatterRows(result, batch.rows, embeddings[head]!);
          }
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
  /** [batch, length, hidden] */
  readonly hidden?: tf.Tensor3D;
  /** By layer, [H], or [V, H] for V gates: 1 for a head that is open. */
  readonly open: Readonly<Record<string, tf.Tensor1D | tf.Tensor2D>>;
}

/** Where a head's values join the others': to gate them there takes their biases with them. */
const gatesOf = (open: Inputs["open"]): Gates =>
  Object.fromEntries(
    Object.entries(open).map(([layer, gate]) => [`encoder.layer.${layer}.attention.output.dense`, { columns: gate }]),
  );

const gateOf = (heads: readonly boolean[]): number[] => heads.map((shut) => (shut ? 0 : 1));

const openGates = (closed: ClosedHeads, from: number, to = closed.length): Record<string, NDArray> =>
  Object.fromEntries(
    closed.slice(from, to).map((heads, n) => [from + n, ndarray(Float32Array.from(gateOf(heads)))] as const),
  );

/** Heads that are closed one by one in the same run, which has what is below them once. */
const TOGETHER = 4;

/** The same encoder, with names for the weights of each layer; the weights are the same arrays where layers share them. */
function unshared({ config, weights }: Checkpoint): Pick<Checkpoint, "config" | "weights"> {
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => weightSet(config, layer));
  const { compact_layers: compact, num_hidden_groups: _, ...rest } = config;
  const own = layers.flatMap((set, layer) =>
    Object.entries(weights)
      .filter(([name]) => name.startsWith(`encoder.layer.${set}.`))
      .map(([name, weight]) => [name.replace(`encoder.layer.${set}.`, `encoder.layer.${layer}.`), weight] as const),
  );
  const others = Object.entries(weights).filter(([name]) => !name.startsWith("encoder.layer."));
  return {
    config: { ...rest, ...(compact && { compact_layers: layers.map((set) => compact[set]!) }) },
    weights: Object.fromEntries([...others, ...own]),
  };
}

/**
 * These heads closed, and one more.
 *
 * @throws RangeError for a head that is not among them
 */
export function withClosed(closed: ClosedHeads, { layer, head }: Head): ClosedHeads {
  if (closed[layer]?.[head] === undefined) {
    throw new RangeError(`withClosed: expected a head of the map, got head ${head} of layer ${layer}`);
  }
  return closed.map((heads, l) => (l === layer ? heads.with(head, true) : heads));
}
