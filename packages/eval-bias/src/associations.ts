import type { NDArray } from "@pruning-bias/runtime";

/** The four sets of a test, such as embeddings [n, hidden] each: targets X and Y, attributes A and B. */
export interface Sets<T = NDArray> {
  /** Targets that are said to go with A. */
  readonly X: T;
  /** Targets that are said to go with B. */
  readonly Y: T;
  /** Attributes of the one side. */
  readonly A: T;
  /** Attributes of the other side. */
  readonly B: T;
}

/** Settings of `associations`. */
export interface AssociationOptions {
  /** The cosine with a zero vector: NaN as in sent-bias, the default, or 0 as in the reference. */
  zeroVector?: "NaN" | "zero";
}

/**
 * How much closer each target lies to A than to B, targets X first, then Y:
 *
 *     s(w) = mean_{a ∈ A} cos(w, a) − mean_{b ∈ B} cos(w, b)
 *
 * Caliskan et al. 2017, on sentences May et al. 2019 (https://arxiv.org/abs/1903.10561). Computed in double precision.
 *
 * @returns [|X| + |Y|]
 * @throws RangeError where a set is empty or the widths of the sets differ
 */
export function associations(
  { X, Y, A, B }: Sets,
  { zeroVector = "NaN" }: AssociationOptions = {},
): Float64Array<ArrayBuffer> {
  const D = X.shape[1] ?? 0;
  for (const [name, { shape }] of Object.entries({ X, Y, A, B })) {
    if (shape.length !== 2 || shape[0] === 0 || shape[1] !== D) {
      throw new RangeError(`associations: expected ${name} of shape [n ≥ 1,${D}], got [${shape.join(",")}]`);
    }
  }
  // The mean of cosines with unit vectors is the dot product with the mean of the unit vectors.
  const towardsA = meanRow(unitRows(A, zeroVector), D);
  const towardsB = meanRow(unitRows(B, zeroVector), D);
  const difference = towardsA.map((value, column) => value - towardsB[column]!);
  return Float64Array.from([...unitRows(X, zeroVector), ...unitRows(Y, zeroVector)], (row) => dot(row, difference));
}

function unitRows({ data, shape }: NDArray, zeroVector: "NaN" | "zero"): Float64Array[] {
  const D = shape[1]!;
  return Array.from({ length: shape[0]! }, (_, n) => {
    const row = Float64Array.from(data.subarray(n * D, (n + 1) * D));
    const norm = Math.sqrt(dot(row, row));
    return norm === 0 && zeroVector === "zero" ? row : row.map((value) => value / norm);
  });
}

function meanRow(rows: readonly Float64Array[], D: number): Float64Array {
  const mean = new Float64Array(D);
  for (const row of rows) for (let column = 0; column < D; column++) mean[column]! += row[column]! / rows.length;
  return mean;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let n = 0; n < a.length; n++) sum += a[n]! * b[n]!;
  return sum;
}
