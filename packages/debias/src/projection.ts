import { ndarray, type NDArray } from "@pruning-bias/runtime";

/** Takes directions out of embeddings: P = I − Σ v vᵀ over orthonormal v. */
export interface Projection {
  /** Orthonormal, each [hidden]: what P maps to 0. */
  readonly directions: readonly Float64Array[];
}

/**
 * Embeddings without the part along the directions: x − Σ (v·x) v, summed in float64.
 *
 * @param embeddings [N, hidden]
 * @returns [N, hidden], float32
 * @throws RangeError where the directions have another length, or embeddings are no rows
 */
export function project({ directions }: Projection, embeddings: NDArray): NDArray {
  const [N, D] = embeddings.shape as [number, number];
  if (embeddings.shape.length !== 2)
    throw new RangeError(`project: expected embeddings [N, hidden], got [${embeddings.shape.join(", ")}]`);
  const other = directions.find(({ length }) => length !== D);
  if (other !== undefined) throw new RangeError(`project: expected embeddings ${other.length} wide, got ${D}`);
  const projected = new Float32Array(N * D);
  for (let n = 0; n < N; n++) {
    const row = Float64Array.from(embeddings.data.subarray(n * D, (n + 1) * D));
    for (const direction of directions) removeFrom(row, direction);
    projected.set(row, n * D);
  }
  return ndarray(projected, [N, D]);
}

/**
 * P = I − Σ v vᵀ, [D, D] row by row: for whoever multiplies by it.
 *
 * @param D width of a hidden state
 * @throws RangeError where the directions have another length
 */
export function projectionMatrix({ directions }: Projection, D: number): Float64Array {
  const other = directions.find(({ length }) => length !== D);
  if (other !== undefined) throw new RangeError(`projectionMatrix: expected directions ${D} wide, got ${other.length}`);
  const matrix = new Float64Array(D * D);
  for (let i = 0; i < D; i++) {
    const row = matrix.subarray(i * D, (i + 1) * D);
    row[i] = 1;
    for (const v of directions) for (let j = 0; j < D; j++) row[j]! -= v[i]! * v[j]!;
  }
  return matrix;
}

/** An `embed` whose embeddings, [N, hidden], are projected; what else it takes is handed on. */
export const projected =
  <Rest extends unknown[]>(
    embed: (sentences: readonly string[], ...rest: Rest) => Promise<NDArray>,
    projection: Projection,
  ): ((sentences: readonly string[], ...rest: Rest) => Promise<NDArray>) =>
  async (...given) =>
    project(projection, await embed(...given));

/** The part of a vector that is orthogonal to the directions, of length 1; none where nothing of it is left. */
export function orthonormal(vector: Float64Array, directions: readonly Float64Array[]): Float64Array | undefined {
  const rest = Float64Array.from(vector);
  // Twice: what rounding leaves after the first time is along the directions again.
  for (let pass = 0; pass < 2; pass++) for (const direction of directions) removeFrom(rest, direction);
  const [before, after] = [norm(vector), norm(rest)];
  if (!(after > 1e-9 * before)) return undefined;
  return rest.map((value) => value / after);
}

export const norm = (vector: Float64Array): number => Math.sqrt(dot(vector, vector));

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}

/** x −= (v·x) v. */
export function removeFrom(x: Float64Array, v: Float64Array): void {
  const share = dot(v, x);
  for (let d = 0; d < x.length; d++) x[d]! -= share * v[d]!;
}
