import { generator } from "@pruning-bias/runtime";
import { dot, norm, orthonormal } from "./projection.ts";

/** Directions of most variance about 0. */
export interface PrincipalComponents {
  /** Orthonormal, each [hidden], the one of most variance first. */
  readonly directions: readonly Float64Array[];
  /** Share of the sum of squares along each, 0 … 1. */
  readonly explained: readonly number[];
}

/**
 * The first k eigenvectors of Σ x xᵀ by power iteration in float64, one after the other; a direction's largest entry is
 * positive.
 *
 * @param rows N of [hidden], about 0 already
 * @throws RangeError where the rows span fewer than k directions or differ in width
 */
export function principalComponents(rows: readonly Float64Array[], k: number): PrincipalComponents {
  const D = rows[0]?.length ?? 0;
  if (!(Number.isInteger(k) && k >= 0) || rows.some(({ length }) => length !== D)) {
    throw new RangeError(`principal components: expected rows of one width and a number of directions, got ${k}`);
  }
  const scatter = scatterMatrix(rows, D);
  const total = scatter.reduce((sum, row, d) => sum + row[d]!, 0);
  const directions: Float64Array[] = [];
  const explained: number[] = [];
  while (directions.length < k) {
    const found = leading(scatter, directions);
    const variance = found === undefined ? 0 : dot(found, times(scatter, found));
    if (found === undefined || !(variance > 1e-12 * total)) {
      throw new RangeError(`principal components: expected rows along ${k} directions, got ${directions.length}`);
    }
    const largest = found.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    directions.push(found.map((value) => value * Math.sign(largest)));
    explained.push(variance / total);
  }
  return { directions, explained };
}

/** As many steps as two variances that are 1 % apart need for 1e-9. */
const MOST_STEPS = 2000;

/** The eigenvector of the largest eigenvalue that is orthogonal to those found before. */
function leading(scatter: readonly Float64Array[], before: readonly Float64Array[]): Float64Array | undefined {
  // A random start is no stranger to any direction.
  const random = generator(before.length);
  let vector = orthonormal(
    Float64Array.from(scatter, () => random.uniform() - 0.5),
    before,
  );
  for (let step = 0; vector !== undefined && step < MOST_STEPS; step++) {
    const next = orthonormal(times(scatter, vector), before);
    if (next === undefined) return undefined;
    const moved = norm(next.map((value, d) => value - vector![d]!));
    vector = next;
    if (moved < 1e-12) break;
  }
  return vector;
}

function scatterMatrix(rows: readonly Float64Array[], D: number): Float64Array[] {
  const scatter = Array.from({ length: D }, () => new Float64Array(D));
  for (const row of rows) {
    for (let i = 0; i < D; i++) {
      const [into, value] = [scatter[i]!, row[i]!];
      for (let j = 0; j <= i; j++) into[j]! += value * row[j]!;
    }
  }
  for (let i = 0; i < D; i++) for (let j = 0; j < i; j++) scatter[j]![i] = scatter[i]![j]!;
  return scatter;
}

const times = (matrix: readonly Float64Array[], vector: Float64Array): Float64Array =>
  Float64Array.from(matrix, (row) => dot(row, vector));
