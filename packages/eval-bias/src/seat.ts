import type { SeatTest } from "@pruning-bias/data";
import { ndarray, type NDArray } from "@pruning-bias/runtime";
import { type AssociationOptions, associations, type Sets } from "./associations.ts";
import { effectSize, effectSizeInterval } from "./effect-size.ts";
import type { Protocol } from "./embedder.ts";
import { holm } from "./holm.ts";
import type { Interval } from "./interval.ts";
import { normalTest } from "./normal-test.ts";
import { permutationTest, type PermutationOptions } from "./permutation-test.ts";

/** What `seat` measures, and how sure it is to be. */
export interface SeatOptions extends AssociationOptions, Omit<PermutationOptions, "tolerance"> {
  /** The family: their p-values are adjusted together. */
  readonly tests: readonly SeatTest[];
  /** N sentences → [N, hidden]. */
  readonly embed: (sentences: string[]) => Promise<NDArray>;
  /** How `embed` makes vectors of sentences: stands in every result. */
  readonly protocol: Protocol;
  /** The hidden state that it reads, where it is not the last: stands in every result. */
  readonly layer?: number | undefined;
  /** Resamples of each effect size's interval, 10,000 by default; 0 for none. */
  readonly bootstrapSamples?: number;
}

/** One test's result: what a row of a results table needs to be compared with others. */
export interface SeatResult {
  /** Its name. */
  readonly test: string;
  /** How sentences became vectors. */
  readonly protocol: Protocol;
  /** The hidden state that was read. */
  readonly layer: number | "last";
  /** Sentences of X, Y, A, B. */
  readonly sizes: Sets<number>;
  /** d, in standard deviations; NaN where all associations are equal or one is NaN. */
  readonly effectSize: number;
  /** Bootstrap over targets, of the effect size; `null` without variance or where none was asked for. */
  readonly interval: Interval | null;
  /** One-sided; `null` where X and Y differ in size, or an association is NaN. */
  readonly p: number | null;
  /** Whether all splits were tried, random ones, or none. */
  readonly pKind: "exact" | "sampled" | "none";
  /** Splits that were tried. */
  readonly samples: number;
  /** p from the normal approximation. */
  readonly pNormal: number | null;
  /** p after Holm's correction over all tests that were measured with this one. */
  readonly pHolm: number | null;
  /** How many tests that were. */
  readonly family: number;
  /** [|X| + |Y|]: s(w) of the targets, X first: what `effectChange` compares two models by. */
  readonly associations: Float64Array;
}

/**
 * Sentence Encoder Association Tests (May et al. 2019; Caliskan et al. 2017 on words). All tests' sentences are embedded
 * in one call, each once; one listed twice in a set counts once, as in sent-bias.
 *
 * @throws RangeError for an empty set, or embeddings of another number than of sentences
 */
export async function seat({ tests, embed, protocol, layer, ...options }: SeatOptions): Promise<SeatResult[]> {
  const sets = tests.map(distinct);
  const sentences = seatSentences(tests);
  const embeddings = await embed(sentences);
  if (embeddings.shape.length !== 2 || embeddings.shape[0] !== sentences.length) {
    const got = embeddings.shape.join(", ");
    throw new RangeError(`seat: expected embeddings [${sentences.length}, hidden] of as many sentences, got [${got}]`);
  }
  const rows = new Map(sentences.map((sentence, row) => [sentence, row]));
  const measured = sets.map((set) => measure(set, rows, embeddings, options));
  const adjusted = holm(measured.map(({ p }) => p));
  const family = adjusted.filter((p) => p !== null).length;
  return measured.map((result, n) => ({
    ...{ test: tests[n]!.name, protocol, layer: layer ?? "last", ...result },
    ...{ pHolm: adjusted[n]!, family },
  }));
}

/** All sentences of these tests, each once. */
export const seatSentences = (tests: readonly SeatTest[]): string[] => [
  ...new Set(tests.map(distinct).flatMap(({ X, Y, A, B }) => [...X, ...Y, ...A, ...B])),
];

function measure(
  { X, Y, A, B }: Sets<string[]>,
  rows: ReadonlyMap<string, number>,
  embeddings: NDArray,
  { bootstrapSamples = 10_000, ...options }: AssociationOptions & PermutationOptions & { bootstrapSamples?: number },
): Omit<SeatResult, "test" | "protocol" | "layer" | "pHolm" | "family"> {
  const embedded = (set: string[]) =>
    gather(
      embeddings,
      set.map((sentence) => rows.get(sentence)!),
    );
  const s = associations({ X: embedded(X), Y: embedded(Y), A: embedded(A), B: embedded(B) }, options);
  const effect = {
    sizes: { X: X.length, Y: Y.length, A: A.length, B: B.length },
    effectSize: effectSize(s, X.length),
    interval:
      bootstrapSamples === 0
        ? null
        : effectSizeInterval(s, X.length, {
            samples: bootstrapSamples,
            ...(options.seed !== undefined && { seed: options.seed }),
          }),
    associations: s,
  };
  if (X.length !== Y.length || s.some(Number.isNaN)) {
    return { ...effect, p: null, pKind: "none", samples: 0, pNormal: null };
  }
  const { p, kind, samples } = permutationTest(s, X.length, options);
  return { ...effect, p, pKind: kind, samples, pNormal: normalTest(s, X.length) };
}

const distinct = ({ targets: { X, Y }, attributes: { A, B } }: SeatTest): Sets<string[]> => ({
  X: [...new Set(X.examples)],
  Y: [...new Set(Y.examples)],
  A: [...new Set(A.examples)],
  B: [...new Set(B.examples)],
});

function gather({ data, shape }: NDArray, rows: number[]): NDArray {
  const D = shape[1]!;
  const gathered = new Float32Array(rows.length * D);
  rows.forEach((row, n) => gathered.set(data.subarray(row * D, (row + 1) * D), n * D));
  return ndarray(gathered, [rows.length, D]);
}
