import type { NDArray } from "@pruning-bias/runtime";
import { principalComponents } from "./principal-components.ts";
import type { Projection } from "./projection.ts";

/** The directions that SentenceDebias (Liang et al. 2020) found, orthonormal, each [hidden], with their shares of the variance. */
export interface SentenceDebiasResult extends Projection {
  /** Of the variance within pairs, the share along each direction. */
  readonly explained: readonly number[];
}

/**
 * SentenceDebias (Liang et al. 2020, section 2, https://arxiv.org/abs/2007.08100): the first k principal components of pairs
 * of sentences that differ in gender words alone, each pair about its mean, are taken out. About its mean a pair is ±(a −
 * b)/2, so that these are the first eigenvectors of Σ (a − b)(a − b)ᵀ.
 *
 * @param a [N, hidden]
 * @param b [N, hidden], of the same sentences with their gender words swapped
 * @param components k; 1 by default
 * @throws RangeError where the shapes differ, or the pairs differ along fewer than k directions
 */
export function sentenceDebias(a: NDArray, b: NDArray, components = 1): SentenceDebiasResult {
  if (a.shape.length !== 2 || a.shape.join() !== b.shape.join()) {
    throw new RangeError(`sentenceDebias: expected pairs, got [${a.shape.join(",")}] and [${b.shape.join(",")}]`);
  }
  const [N, D] = a.shape as [number, number];
  const differences = Array.from({ length: N }, (_, n) =>
    Float64Array.from({ length: D }, (_, d) => a.data[n * D + d]! - b.data[n * D + d]!),
  );
  return principalComponents(differences, components);
}
