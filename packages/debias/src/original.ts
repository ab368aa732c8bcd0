import type { Sentences } from "@pruning-bias/data";
import { ndarray, type NDArray } from "@pruning-bias/runtime";
import type { Arrays } from "@pruning-bias/training";
import { batchArrays } from "./encoder.ts";
import type { Microbatch } from "./microbatches.ts";
import type { Programs } from "./programs.ts";

/** Looks up the original model's token-mode embeddings: (layers + 1, B, D) for a micro-batch of B rows. */
export type OriginalEmbeddings = (sentences: Sentences, piece: Microbatch) => Promise<NDArray>;

/**
 * The original model never changes, so that each sentence goes through it once; its embeddings are kept until they
 * fill `limit` bytes.
 */
export function originalEmbeddings(programs: Programs, weights: Arrays, limit = 1e9): OriginalEmbeddings {
  const known = new Map<Sentences, Map<number, Float32Array>>();
  let left = limit;
  return async (sentences, { batch, rows }) => {
    const kept = known.get(sentences) ?? new Map<number, Float32Array>();
    known.set(sentences, kept);
    const [size] = batch.shape;
    if (rows.every((row) => kept.has(row))) return gather(kept, rows, size, programs.depth + 1);
    const computed = await programs.originalEmbeddings({ weights, batch: batchArrays(batch) });
    const dim = computed.shape[2]!;
    for (const [position, row] of rows.entries()) {
      const bytes = (programs.depth + 1) * dim * 4;
      if (kept.has(row) || left < bytes) continue;
      kept.set(row, column(computed, position));
      left -= bytes;
    }
    return computed;
  };
}

// One sentence's embeddings of all layers, (layers + 1)·D numbers.
function column({ data, shape: [layers, size, dim] }: NDArray, position: number): Float32Array {
  const own = new Float32Array(layers! * dim!);
  for (let layer = 0; layer < layers!; layer++) {
    const start = (layer * size! + position) * dim!;
    own.set((data as Float32Array).subarray(start, start + dim!), layer * dim!);
  }
  return own;
}

function gather(kept: Map<number, Float32Array>, rows: Int32Array, size: number, layers: number): NDArray {
  const dim = kept.get(rows[0]!)!.length / layers;
  const data = new Float32Array(layers * size * dim);
  for (const [position, row] of rows.entries()) {
    const own = kept.get(row)!;
    for (let layer = 0; layer < layers; layer++) {
      data.set(own.subarray(layer * dim, (layer + 1) * dim), (layer * size + position) * dim);
    }
  }
  return ndarray(data, [layers, size, dim]);
}
