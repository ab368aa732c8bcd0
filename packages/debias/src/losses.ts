import { concat, type Sentences } from "@pruning-bias/data";
import type { GateSets } from "@pruning-bias/pruning";
import { type NDArray, type RandomKey, zeros } from "@pruning-bias/runtime";
import type { Arrays } from "@pruning-bias/training";
import type { HostModel } from "./attributes.ts";
import { batchArrays } from "./encoder.ts";
import { countTokens, type Microbatch, microbatches, type MicrobatchOptions } from "./microbatches.ts";
import type { OriginalEmbeddings } from "./original.ts";
import type { Programs, ProgramSettings } from "./programs.ts";

/** Sentences that fine-pruning reads: stereotype words' contexts, and those of the attribute words. */
export interface DebiasSentences {
  readonly targets: Sentences;
  readonly male: Sentences;
  readonly female: Sentences;
}

/** One batch: rows of the targets, and rows of male followed by female. */
export interface DebiasBatch {
  readonly targets: ArrayLike<number>;
  readonly attributes: ArrayLike<number>;
}

/** The two losses of a batch, unweighted. */
export interface Losses {
  readonly lossDebias: number;
  readonly lossKeep: number;
}

/** Computes losses and gradients of whole batches from micro-batches; means are over the rows of the whole batch. */
export async function batchLosses(
  programs: Programs,
  settings: ProgramSettings,
  sentences: DebiasSentences,
  original: (attributes: Sentences) => Promise<OriginalEmbeddings>,
  options: MicrobatchOptions,
) {
  const attributes = concat(sentences.male, sentences.female);
  const originals = await original(attributes);
  const cut = (of: Sentences, rows: ArrayLike<number>) => microbatches(of, rows, options);
  const targetShare = (rows: ArrayLike<number>, pieces: readonly Microbatch[]) =>
    1 / (rowCount(settings, sentences.targets, rows, pieces) * programs.rowsPerSentence);
  const attributeShare = (rows: ArrayLike<number>) => 1 / (rows.length * (programs.depth + 1));

  // Programs add their gradients into these arrays; those that one has added to are cleared before the next batch.
  const sum: Record<string, NDArray> = {};
  const summed = new Set<string>();
  const cleared = (trained: Arrays): Record<string, NDArray> => {
    for (const [name, { shape }] of Object.entries(trained)) sum[name] ??= zeros(shape);
    for (const name of summed) sum[name]!.data.fill(0);
    summed.clear();
    return sum;
  };

  return {
    /** Losses in evaluation mode. */
    async evaluate(model: HostModel, attribute: NDArray, batch: DebiasBatch): Promise<Losses> {
      let [lossDebias, lossKeep] = [0, 0];
      const pieces = cut(sentences.targets, batch.targets);
      const share = targetShare(batch.targets, pieces);
      for (const piece of pieces) {
        const inputs = { model, batch: batchArrays(piece.batch), attributes: attribute, share };
        lossDebias += (await programs.targetLoss(inputs)).data[0]!;
      }
      for (const piece of cut(attributes, batch.attributes)) {
        const inputs = { model, batch: batchArrays(piece.batch), share: attributeShare(batch.attributes) };
        lossKeep += (await programs.attributeLoss({ ...inputs, original: await originals.of(piece) })).data[0]!;
      }
      return { lossDebias, lossKeep };
    },

    /** The same under the masks of several candidates, (C, g) by module, which are encoded together. */
    async evaluateEach(
      model: HostModel,
      sets: GateSets<NDArray>,
      attribute: NDArray,
      batch: DebiasBatch,
    ): Promise<Losses[]> {
      const count = Object.values(sets)[0]!.shape[0]!;
      const [debias, keep] = [new Float64Array(count), new Float64Array(count)];
      const add = (into: Float64Array, { data }: NDArray) => data.forEach((loss, c) => (into[c]! += loss));
      const pieces = cut(sentences.targets, batch.targets);
      const share = targetShare(batch.targets, pieces);
      for (const piece of pieces) {
        const inputs = { model, sets, batch: batchArrays(piece.batch), attributes: attribute, share };
        add(debias, await programs.targetLosses(inputs));
      }
      for (const piece of cut(attributes, batch.attributes)) {
        const inputs = { model, sets, batch: batchArrays(piece.batch), share: attributeShare(batch.attributes) };
        add(keep, await programs.attributeLosses({ ...inputs, original: await originals.of(piece) }));
      }
      return Array.from(debias, (lossDebias, c) => ({ lossDebias, lossKeep: keep[c]! }));
    },

    /**
     * Losses in training mode, and the gradients of α·L_debias + β·L_keep, good until the next call; `key` makes the
     * dropout.
     */
    async gradients(
      model: HostModel,
      attribute: NDArray,
      batch: DebiasBatch,
      key: (piece: number) => RandomKey,
    ): Promise<Losses & { gradients: Arrays }> {
      let [lossDebias, lossKeep, piece] = [0, 0, 0];
      const sum = cleared(model.trained as Arrays);
      const into = { loss: zeros([]), gradients: sum };
      const lossOf = ({ loss, gradients }: typeof into): number => {
        for (const name of Object.keys(gradients)) summed.add(name);
        return loss.data[0]!;
      };
      const pieces = cut(sentences.targets, batch.targets);
      const share = targetShare(batch.targets, pieces);
      for (const { batch: padded } of pieces) {
        const inputs = { model, sum, batch: batchArrays(padded), attributes: attribute, share };
        lossDebias += lossOf(await programs.targetGradients(inputs, key(piece++), into));
      }
      for (const own of cut(attributes, batch.attributes)) {
        const inputs = { model, sum, batch: batchArrays(own.batch), share: attributeShare(batch.attributes) };
        const embeddings = await originals.of(own);
        lossKeep += lossOf(await programs.attributeGradients({ ...inputs, original: embeddings }, key(piece++), into));
      }
      return { lossDebias, lossKeep, gradients: Object.fromEntries([...summed].map((name) => [name, sum[name]!])) };
    },

    /** Hands the original model's embeddings to the store. */
    saveOriginals: () => originals.save(),

    /** Real tokens of a batch. */
    tokens: (batch: DebiasBatch) =>
      countTokens(sentences.targets, batch.targets) + countTokens(attributes, batch.attributes),
  };
}

// Rows of L_debias at one hidden state.
function rowCount(
  { mode, positions }: ProgramSettings,
  targets: Sentences,
  rows: ArrayLike<number>,
  pieces: readonly Microbatch[],
): number {
  if (mode === "token") return rows.length;
  if (positions === "real") return countTokens(targets, rows);
  return pieces.reduce((count, piece) => count + piece.rows.length * piece.batch.shape[1], 0);
}
