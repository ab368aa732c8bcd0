import { createHash } from "node:crypto";
import type { Embeddings, Sentences } from "@pruning-bias/data";
import type { BertConfig } from "@pruning-bias/model";
import { ndarray, type NDArray, type RandomKey } from "@pruning-bias/runtime";
import type { Arrays } from "@pruning-bias/training";
import { batchArrays } from "./encoder.ts";
import { type Microbatch, microbatches, type MicrobatchOptions } from "./microbatches.ts";
import type { Programs } from "./programs.ts";

/** The original model's token-mode embeddings. */
export interface OriginalEmbeddings {
  /** (layers + 1, B, D) for a micro-batch of B rows. */
  of(piece: Microbatch): Promise<NDArray>;
  /** The same with dropout, which is never kept. */
  noisy(piece: Microbatch, key: RandomKey): Promise<NDArray>;
  /** Hands what was computed to the store. */
  save(): Promise<void>;
}

/** Where embeddings outlive a run, such as files: the points of a sweep ask for the same ones. */
export interface OriginalStore {
  /** What was written under this key, if it is still there. */
  read(key: string): Promise<Embeddings | undefined>;
  /** Keeps embeddings under a key, for whoever asks next. */
  write(key: string, embeddings: Embeddings): Promise<void>;
}

export interface OriginalOptions {
  /** Of the original: the same weights compute something else under another. */
  readonly config: BertConfig;
  readonly sentences: Sentences;
  /** Which of them will be asked for; some more than once. */
  readonly rows: Iterable<number>;
  /** Bytes in which embeddings may be kept. */
  readonly limit: number;
  readonly store?: OriginalStore | undefined;
  readonly pieces: MicrobatchOptions;
}

/** Fewer sentences than this are computed sooner than weights are hashed and files are read. */
const WORTH_STORING = 500;

/**
 * The original model never changes, so that a sentence goes through it once and its embeddings are kept: those of the
 * longest sentences, if not all fit.
 *
 * A sentence that is kept is computed among the same others whoever asks first, so that its last bits do not depend on
 * where a run began.
 */
export async function originalEmbeddings(
  programs: Programs,
  weights: Arrays,
  { config, sentences, rows, limit, store, pieces }: OriginalOptions,
): Promise<OriginalEmbeddings> {
  const [layers, dim] = [programs.depth + 1, programs.hiddenSize];
  const width = layers * dim;
  const length = (row: number) => sentences.offsets[row + 1]! - sentences.offsets[row]!;
  const longestFirst = [...new Set(rows)].toSorted((a, b) => length(b) - length(a) || a - b);
  const kept = Uint32Array.from(longestFirst.slice(0, Math.floor(limit / (4 * width))));
  const place = new Map(Array.from(kept, (row, index) => [row, index]));
  const groups = microbatches(sentences, kept, pieces);
  const groupOf = new Map(groups.flatMap((group) => Array.from(group.rows, (row) => [row, group] as const)));

  const key =
    store === undefined || kept.length < WORTH_STORING
      ? undefined
      : digest(weights, sentences, { config, kept, pieces });
  const found = key === undefined ? undefined : await store!.read(key);
  const stored = found?.width === width && found.values.length === kept.length * width ? found : undefined;
  const values = stored?.values ?? new Float32Array(kept.length * width);
  const known = new Uint8Array(kept.length).fill(stored === undefined ? 0 : 1);
  const compute = ({ batch }: Microbatch) => programs.originalEmbeddings({ weights, batch: batchArrays(batch) });
  const keep = async (group: Microbatch): Promise<void> => {
    const computed = await compute(group);
    for (const [position, own] of group.rows.entries()) {
      known[place.get(own)!] = 1;
      copy(computed, position, values, place.get(own)!, "out");
    }
  };
  const underWay = new Map<Microbatch, Promise<void>>();

  return {
    async of(piece) {
      if (!piece.rows.every((row) => place.has(row))) return compute(piece);
      for (const row of piece.rows) {
        if (known[place.get(row)!] === 1) continue;
        const group = groupOf.get(row)!;
        // Micro-batches that are computed side by side may ask for the same.
        const made = underWay.get(group) ?? keep(group);
        underWay.set(group, made);
        await made;
      }
      const [size] = piece.batch.shape;
      const gathered = ndarray(new Float32Array(layers * size * dim), [layers, size, dim]);
      for (const [position, row] of piece.rows.entries()) copy(gathered, position, values, place.get(row)!, "in");
      return gathered;
    },
    noisy: ({ batch }, key) => programs.noisyOriginalEmbeddings({ weights, batch: batchArrays(batch) }, key),
    async save() {
      if (key !== undefined && stored === undefined && known.every(Boolean)) {
        await store!.write(key, { rows: kept, values, width });
      }
    },
  };
}

/** Copies one sentence of (layers, B, D) to its place in (sentences, layers·D), or back. */
function copy(
  { data, shape: [layers, size, dim] }: NDArray,
  position: number,
  values: Float32Array,
  at: number,
  direction: "in" | "out",
): void {
  for (let layer = 0; layer < layers!; layer++) {
    const batched = (layer * size! + position) * dim!;
    const flat = (at * layers! + layer) * dim!;
    if (direction === "out") values.set((data as Float32Array).subarray(batched, batched + dim!), flat);
    else data.set(values.subarray(flat, flat + dim!), batched);
  }
}

/** Counted up whenever the same weights and sentences come to give other numbers. */
const FORMAT = 1;

// All that the numbers depend on, but for what computes them.
function digest(
  weights: Arrays,
  { offsets, inputIds, keywordMask }: Sentences,
  { config, kept, pieces }: { config: BertConfig; kept: Uint32Array; pieces: MicrobatchOptions },
): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([FORMAT, config, pieces]))
    .update(kept);
  hash.update(offsets).update(inputIds).update(keywordMask);
  for (const name of Object.keys(weights).toSorted()) hash.update(name).update(weights[name]!.data);
  return hash.digest("hex").slice(0, 32);
}
