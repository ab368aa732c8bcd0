import type { GlueTokens } from "@pruning-bias/data";
import type { Checkpoint } from "@pruning-bias/model";
import { WORDS } from "./classifier.ts";
import { ndarray, type NDArray } from "@pruning-bias/runtime";

/** A checkpoint with the word embeddings that some splits use, and those splits in its ids. */
export interface Compacted {
  readonly checkpoint: Checkpoint;
  readonly splits: readonly GlueTokens[];
  /** Puts trained rows back in their places: the whole table. */
  readonly whole: (weights: Readonly<Record<string, NDArray>>) => Record<string, NDArray>;
}

/**
 * Leaves out the word embeddings of tokens that no split has. They get no gradient, so their moments stay 0 and Adam
 * without weight decay leaves them as they are: training the others alone is the same, in a third of the memory traffic.
 * Ids up to the padding token's stay, since families count positions from it.
 */
export function compactVocabulary(checkpoint: Checkpoint, splits: readonly GlueTokens[]): Compacted {
  const table = checkpoint.weights[WORDS]!;
  const [size, dim] = table.shape as [number, number];
  const used = new Uint8Array(size).fill(1, 0, (checkpoint.config.pad_token_id ?? 0) + 1);
  for (const { task, split, inputIds } of splits) {
    for (const id of inputIds) {
      if (id >= size) throw new RangeError(`${task}: ${split}: expected token ids below ${size}, got ${id}`);
      used[id] = 1;
    }
  }
  const kept = Int32Array.from(used.keys()).filter((id) => used[id] === 1);
  const places = new Int32Array(size);
  kept.forEach((id, place) => (places[id] = place));

  const rows = new Float32Array(kept.length * dim);
  kept.forEach((id, place) => rows.set(rowOf(table, id, dim), place * dim));
  const config = { ...checkpoint.config, vocab_size: kept.length };
  return {
    checkpoint: {
      ...checkpoint,
      config,
      weights: { ...checkpoint.weights, [WORDS]: ndarray(rows, [kept.length, dim]) },
    },
    splits: splits.map((split) => ({ ...split, inputIds: Uint32Array.from(split.inputIds, (id) => places[id]!) })),
    whole: (weights) => {
      const data = Float32Array.from(table.data);
      const trained = weights[WORDS]!;
      kept.forEach((id, place) => data.set(rowOf(trained, place, dim), id * dim));
      return { ...weights, [WORDS]: ndarray(data, table.shape) };
    },
  };
}

const rowOf = ({ data }: NDArray, row: number, dim: number): NDArray["data"] =>
  data.subarray(row * dim, (row + 1) * dim);
