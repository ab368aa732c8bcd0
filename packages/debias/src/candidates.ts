import { type GateSets, gateSets, gateTensors, type Layout } from "@pruning-bias/pruning";
import type { NDArray } from "@pruning-bias/runtime";
import type { Arrays } from "@pruning-bias/training";
import { type LossesOf, TOGETHER } from "./settle.ts";

export interface CandidateOptions {
  readonly layout: Layout;
  readonly threshold: number;
  /** All scores that a candidate's trained ones make. */
  readonly scoresOf: (candidate: Arrays) => Arrays;
  /** The loss of one candidate. */
  readonly one: (candidate: Arrays) => Promise<number>;
  /** The losses of several that go through the encoder in one batch: they differ from the first in these masks alone. */
  readonly together: (first: Arrays, sets: GateSets<NDArray>) => Promise<number[]>;
}

/**
 * Validation losses of candidates, many in one batch: the sentences are repeated, and each copy has a candidate's gates.
 * Candidates that differ in blocks inside a matrix have no such form and are asked one after the other.
 */
export function candidateLosses({ layout, threshold, scoresOf, one, together }: CandidateOptions): LossesOf {
  const gates = gateTensors(layout);
  const isOne = ({ length }: readonly Arrays[]) => length === 1;
  const differs = (first: Arrays, other: Arrays) =>
    Object.keys(first).some((name) => !gates.has(name) && !sameNumbers(first[name]!, other[name]!));
  return async (candidates) => {
    const losses: number[] = [];
    for (let start = 0; start < candidates.length; start += TOGETHER) {
      const own = candidates.slice(start, start + TOGETHER);
      const [first] = own as [Arrays];
      if (isOne(own) || own.some((other) => differs(first, other))) {
        for (const candidate of own) losses.push(await one(candidate));
        continue;
      }
      // Always as many, so that few shapes are compiled.
      const filled = Array.from({ length: TOGETHER }, (_, n) => scoresOf(own[n] ?? first));
      losses.push(...(await together(first, gateSets(layout, gates, filled, threshold))).slice(0, own.length));
    }
    return losses;
  };
}

const sameNumbers = (a: NDArray, b: NDArray): boolean => a === b || a.data.every((value, i) => value === b.data[i]);
