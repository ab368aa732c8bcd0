import type { Sentences } from "@pruning-bias/data";
import { ndarray, type NDArray } from "@pruning-bias/runtime";
import type { Arrays } from "@pruning-bias/training";
import { batchArrays } from "./encoder.ts";
import { type Microbatch, microbatches, type MicrobatchOptions } from "./microbatches.ts";
import type { Programs } from "./programs.ts";

/** Looks up the original model's token-mode embeddings: (layers + 1, B, D) for a micro-batch of B rows. */
export type OriginalEmbeddings = (piece: Microbatch) => Promise<NDArray>;

export interface OriginalOptions {
  readonly sentences: Sentences;
  /** Which of them will be asked for; some more than once. */
  readonly rows: Iterable<number>;
  /** Bytes in which embeddings may be kept. */
  readonly limit: number;
  readonly pieces: MicrobatchOptions;
}

/**
 * The original model never changes, so that a sentence goes through it once and its embeddings are kept: those of the
 * longest sentences, if not all fit.
 *
 * A sentence that is kept is computed among the same others whoever asks first, so that its last bits do not depend on
 * where a run began.
 */
export function originalEmbeddings(
  programs: Programs,
  weights: Arrays,
  { sentences, rows, limit, pieces }: OriginalOptions,
): OriginalEmbeddings {
  const layers = programs.depth + 1;
  const size = layers * programs.hiddenSize;
  const length = (row: number) => sentences.offsets[row + 1]! - sentences.offsets[row]!;
  const longestFirst = [...new Set(rows)].toSorted((a, b) => length(b) - length(a) || a - b);
  const kept = longestFirst.slice(0, Math.floor(limit / (4 * size)));
  const groups = microbatches(sentences, kept, pieces);
  const groupOf = new Map(groups.flatMap((group) => Array.from(group.rows, (row) => [row, group] as const)));
  const known = new Map<number, Float32Array>();
  const compute = ({ batch }: Microbatch) => programs.originalEmbeddings({ weights, batch: batchArrays(batch) });

  return async (piece) => {
    if (!piece.rows.every((row) => groupOf.has(row))) return compute(piece);
    for (const row of piece.rows) {
      if (known.has(row)) continue;
      const group = groupOf.get(row)!;
      const computed = await compute(group);
      for (const [position, own] of group.rows.entries()) known.set(own, sentenceOf(computed, position));
    }
    return gather(known, piece, [layers, programs.hiddenSize]);
  };
}

// One sentence's embeddings of all layers, (layers + 1)·D numbers.
function sentenceOf({ data, shape: [layers, size, dim] }: NDArray, position: number): Float32Array {
  const own = new Float32Array(layers! * dim!);
  for (let layer = 0; layer < layers!; layer++) {
    const start = (layer * size! + position) * dim!;
    own.set((data as Float32Array).subarray(start, start + dim!), layer * dim!);
  }
  return own;
}

function gather(
  known: ReadonlyMap<number, Float32Array>,
  { rows, batch }: Microbatch,
  [layers, dim]: readonly [number, number],
): NDArray {
  const [size] = batch.shape;
  const data = new Float32Array(layers * size * dim);
  for (const [position, row] of rows.entries()) {
    const own = known.get(row)!;
    for (let layer = 0; layer < layers; layer++) {
      data.set(own.subarray(layer * dim, (layer + 1) * dim), (layer * size + position) * dim);
    }
  }
  return ndarray(data, [layers, size, dim]);
}
