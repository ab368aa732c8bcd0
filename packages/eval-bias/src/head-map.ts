import type { SeatTest, Tokenizer } from "@pruning-bias/data";
import { type Checkpoint, encode, type Weights } from "@pruning-bias/model";
import { type Compiled, type Jit, jit as compiled, ndarray, type NDArray, tf, zeros } from "@pruning-bias/runtime";
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
  const sentences = seatSentences(tests);
  const options = { batchSize, positions: config.max_position_embeddings, pad: tokenizer.pad };
  const batches = [...batchesOf(tokenised(sentences, tokenizer, protocol), options)];
  const start = jit(({ weights, inputIds, attentionMask }: Omit<LayerInputs, "hidden" | "open">) =>
    encode(config, weights, { inputIds, attentionMask }, { layers: 0 }).at(-1)!,
  );
  // One program for each layer, for each names its own weights; the last one gives embeddings.
  const layers = Array.from({ length: L }, (_, layer) =>
    jit(({ weights, inputIds, attentionMask, hidden, open }: LayerInputs): tf.Tensor => {
      const last = layer === L - 1;
      const first = tf.zeros([inputIds.shape[0], 1], "int32") as tf.Tensor2D;
      const state = encode(
        config,
        weights,
        { inputIds, attentionMask },
        {
          ...{ from: { layer, hidden }, layers: layer + 1 },
          ...(last && protocol !== "mean" && { lastPositions: first }),
          gates: { [`encoder.layer.${layer}.attention.output.dense`]: { columns: open } },
        },
      ).at(-1)!;
      return last ? sentenceEmbedding(state, attentionMask, protocol) : state;
    }),
  );
  const apply = (layer: number, batch: TokenBatch, hidden: NDArray, closed: readonly boolean[], into?: NDArray) =>
    run(layers[layer]!, { weights, ...tokens(batch), hidden, open: openGate(closed) }, into);

  const measure = async (embeddings: NDArray): Promise<Effects> => {
    const results = await seat({ tests, embed: async () => embeddings, protocol, samples: 1, bootstrapSamples: 0 });
    return Object.fromEntries(results.map(({ test, effectSize }) => [test, effectSize]));
  };
  const embeddingsOf = () => zeros([sentences.length, D]);

  async function effects(closed: ClosedHeads = noHeads(L, H)): Promise<Effects> {
    const embeddings = embeddingsOf();
    for (const batch of batches) {
      let hidden = await start({ weights, ...tokens(batch) });
      for (let layer = 0; layer < L; layer++) hidden = await apply(layer, batch, hidden, closed[layer]!);
      scatterRows(hidden, batch.rows, embeddings);
    }
    return measure(embeddings);
  }

  async function* each(closed: ClosedHeads = noHeads(L, H), only?: readonly Head[]) {
    // Hidden states below the layer that is closed, of every batch.
    const below = await Promise.all(batches.map((batch) => start({ weights, ...tokens(batch) })));
    const scratch = new Map(batches.map(({ shape: [B, S] }) => [S, [zeros([B, S, D]), zeros([B, S, D])] as const]));
    for (let layer = 0; layer < L; layer++) {
      const heads = closed[layer]!.flatMap((shut, head) =>
        !shut && (only?.some((other) => other.layer === layer && other.head === head) ?? true) ? [head] : [],
      );
      const embeddings = heads.map(embeddingsOf);
      for (const [n, batch] of batches.entries()) {
        for (const [k, head] of heads.entries()) {
          const without = closed[layer]!.map((shut, other) => shut || other === head);
          let hidden = below[n]!;
          for (let above = layer; above < L; above++) {
            const into = above === L - 1 ? undefined : scratch.get(batch.shape[1])![above % 2];
            hidden = await apply(above, batch, hidden, above === layer ? without : closed[above]!, into);
          }
          scatterRows(hidden, batch.rows, embeddings[k]!);
        }
        if (layer < L - 1) below[n] = await apply(layer, batch, below[n]!, closed[layer]!);
      }
      for (const [k, head] of heads.entries()) yield { layer, head, effects: await measure(embeddings[k]!) };
    }
  }

  const dispose = async () => {
    await Promise.all([start, ...layers].map((program) => program.dispose()));
  };
  return { effects, each, dispose };
}

interface LayerInputs {
  readonly weights: Weights;
  readonly inputIds: tf.Tensor2D;
  readonly attentionMask: tf.Tensor2D;
  /** (B, S, D) */
  readonly hidden: tf.Tensor3D;
  /** (H): 1 for a head that is open. */
  readonly open: tf.Tensor1D;
}

type LayerProgram = Compiled<LayerInputs, tf.Tensor>;

const run = (program: LayerProgram, inputs: Parameters<LayerProgram>[0], into?: NDArray): Promise<NDArray> =>
  program(inputs, undefined, into);

const tokens = ({ inputIds, attentionMask }: TokenBatch) => ({ inputIds, attentionMask });

const openGate = (closed: readonly boolean[]) => ndarray(Float32Array.from(closed, (shut) => (shut ? 0 : 1)));

/** All heads open. */
export const noHeads = (layers: number, heads: number): boolean[][] =>
  Array.from({ length: layers }, () => Array<boolean>(heads).fill(false));
