import { concat, type Sentences } from "@pruning-bias/data";
import type { GateSets } from "@pruning-bias/pruning";
import type { NDArray, RandomKey } from "@pruning-bias/runtime";
import type { Arrays } from "@pruning-bias/training";
import type { HostModel } from "./attributes.ts";
import { batchArrays } from "./encoder.ts";
import { type Addend, gradientSums } from "./gradient-sums.ts";
import { countTokens, type Microbatch, microbatches, type MicrobatchOptions } from "./microbatches.ts";
import type { OriginalEmbeddings } from "./original.ts";
import type { Programs, ProgramSettings } from "./programs.ts";
import { type Devices, sideBySide } from "./side-by-side.ts";

/** Sentences that fine-pruning reads: stereotype words' contexts, and those of the attribute words. */
export interface DebiasSentences {
  /** Sentences with stereotype words. */
  readonly targets: Sentences;
  /** Sentences with male words; the mean of the first ones is v_m. */
  readonly male: Sentences;
  /** Sentences with female words; the mean of the first ones is v_f. */
  readonly female: Sentences;
}

/** One batch: rows of the targets, and rows of male followed by female. */
export interface DebiasBatch {
  /** Rows of the target sentences, from 0. */
  readonly targets: ArrayLike<number>;
  /** Rows of the attribute sentences: female row r is the number of male ones + r. */
  readonly attributes: ArrayLike<number>;
}

/** The two losses of a batch, unweighted. */
export interface Losses {
  /** L_debias, a mean over target rows (Kaneko and Bollegala 2021, Eq. 1). */
  readonly lossDebias: number;
  /** L_keep, a mean over attribute rows (Eq. 3). */
  readonly lossKeep: number;
}

/**
 * Computes losses and gradients of whole batches from micro-batches, on each of the devices one at a time; means are over the
 * rows of the whole batch.
 */
export async function batchLosses(
  programs: Programs,
  settings: ProgramSettings,
  sentences: DebiasSentences,
  original: (attributes: Sentences) => Promise<OriginalEmbeddings>,
  { devices = 1, ...options }: MicrobatchOptions & Devices,
) {
  const attributes = concat(sentences.male, sentences.female);
  const originals = await original(attributes);
  const cut = (of: Sentences, rows: ArrayLike<number>) => microbatches(of, rows, options);
  const targetShare = (rows: ArrayLike<number>, pieces: readonly Microbatch[]) =>
    1 / (rowCount(settings, sentences.targets, rows, pieces) * programs.rowsPerSentence);
  const attributeShare = (rows: ArrayLike<number>) => 1 / (rows.length * (programs.depth + 1));

  const sums = gradientSums(devices);
  const each = <R>(pieces: readonly Microbatch[], compute: (piece: Microbatch) => Promise<R>) =>
    sideBySide(pieces, devices, compute);

  return {
    /** Losses in evaluation mode. */
    async evaluate(model: HostModel, attribute: NDArray, batch: DebiasBatch): Promise<Losses> {
      const pieces = cut(sentences.targets, batch.targets);
      const share = targetShare(batch.targets, pieces);
      const debias = await each(pieces, (piece) =>
        programs.targetLoss({ model, batch: batchArrays(piece.batch), attributes: attribute, share }),
      );
      const keep = await each(cut(attributes, batch.attributes), async (piece) => {
        const inputs = { model, batch: batchArrays(piece.batch), share: attributeShare(batch.attributes) };
        return programs.attributeLoss({ ...inputs, original: await originals.of(piece) });
      });
      const sum = (losses: readonly NDArray[]) => total(losses.map(({ data }) => data[0]!));
      return { lossDebias: sum(debias), lossKeep: sum(keep) };
    },

    /** The same under the masks of several candidates, [C, g] by module, which are encoded together. */
    async evaluateEach(
      model: HostModel,
      sets: GateSets<NDArray>,
      attribute: NDArray,
      batch: DebiasBatch,
    ): Promise<Losses[]> {
      const count = Object.values(sets)[0]!.shape[0]!;
      const pieces = cut(sentences.targets, batch.targets);
      const share = targetShare(batch.targets, pieces);
      const debias = await each(pieces, (piece) =>
        programs.targetLosses({ model, sets, batch: batchArrays(piece.batch), attributes: attribute, share }),
      );
      const keep = await each(cut(attributes, batch.attributes), async (piece) => {
        const inputs = { model, sets, batch: batchArrays(piece.batch), share: attributeShare(batch.attributes) };
        return programs.attributeLosses({ ...inputs, original: await originals.of(piece) });
      });
      const sum = (losses: readonly NDArray[], c: number) => total(losses.map(({ data }) => data[c]!));
      return Array.from({ length: count }, (_, c) => ({ lossDebias: sum(debias, c), lossKeep: sum(keep, c) }));
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
      const targets = cut(sentences.targets, batch.targets);
      const shares = { target: targetShare(batch.targets, targets), attribute: attributeShare(batch.attributes) };
      const ofTargets = targets.map((piece): Addend => {
        const inputs = { model, batch: batchArrays(piece.batch), attributes: attribute, share: shares.target };
        const addTo: Addend["addTo"] = (sum, n, into) => programs.targetGradients({ ...inputs, sum }, key(n), into);
        return { piece, addTo };
      });
      const originalOf = (piece: Microbatch, n: number) =>
        settings.originalDropout ? originals.noisy(piece, key(MOST_PIECES + n)) : originals.of(piece);
      const ofAttributes = cut(attributes, batch.attributes).map((piece): Addend => {
        const inputs = { model, batch: batchArrays(piece.batch), share: shares.attribute };
        const addTo: Addend["addTo"] = async (sum, n, into) =>
          programs.attributeGradients({ ...inputs, sum, original: await originalOf(piece, n) }, key(n), into);
        return { piece, addTo };
      });
      const { losses, gradients } = await sums(model.trained as Arrays, [...ofTargets, ...ofAttributes]);
      const [debias, keep] = [losses.slice(0, targets.length), losses.slice(targets.length)];
      return { lossDebias: total(debias), lossKeep: total(keep), gradients };
    },

    /** Hands the original model's embeddings to the store. */
    saveOriginals: () => originals.save(),

    /** Real tokens of a batch. */
    tokens: (batch: DebiasBatch) =>
      countTokens(sentences.targets, batch.targets) + countTokens(attributes, batch.attributes),
  };
}

/** Pieces of a batch; noise of the original has numbers of its own above them. */
const MOST_PIECES = 1 << 15;

const total = (losses: readonly number[]): number => losses.reduce((sum, loss) => sum + loss, 0);

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
