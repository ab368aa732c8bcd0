/** A linear classifier of two classes. */
export interface LinearClassifier {
  /** Whether a row of D features is of the class `true`: w·x + b > 0. */
  (row: Float64Array): boolean;
  /** w [D]. */
  readonly weights: Float64Array;
}

/**
 * Logistic regression with a ridge penalty: the w and b with the least
 *
 *     mean ln(1 + exp(−y (w·x + b))) + λ/2 |w|²,  y = ±1
 *
 * by L-BFGS (Liu and Nocedal 1989) from zero, so that the same rows give the same classifier.
 *
 * @param rows N of [D]
 * @param labels [N]
 * @param ridge λ; .01 by default
 * @param iterations at most; 200 by default
 * @param memory steps that L-BFGS remembers; 10 by default
 * @throws RangeError for no rows, rows of several widths, or another number of labels
 */
export function logisticRegression(
  rows: readonly Float64Array[],
  labels: readonly boolean[],
  { ridge = 1e-2, iterations = 200, memory = 10 }: { ridge?: number; iterations?: number; memory?: number } = {},
): LinearClassifier {
  const D = rows[0]?.length ?? 0;
  if (rows.length === 0 || rows.length !== labels.length || rows.some(({ length }) => length !== D)) {
    throw new RangeError(
      `logisticRegression: expected rows of one width with a label each, got ${rows.length} and ${labels.length} labels`,
    );
  }
  const objective = (w: Float64Array): { loss: number; gradient: Float64Array } => {
    const gradient = new Float64Array(D + 1);
    let loss = 0;
    rows.forEach((row, n) => {
      const y = labels[n]! ? 1 : -1;
      const margin = y * (dot(w, row, D) + w[D]!);
      loss += margin > 0 ? Math.log1p(Math.exp(-margin)) : -margin + Math.log1p(Math.exp(margin));
      const slope = -y / (1 + Math.exp(margin)) / rows.length;
      for (let d = 0; d < D; d++) gradient[d]! += slope * row[d]!;
      gradient[D]! += slope;
    });
    loss /= rows.length;
    for (let d = 0; d < D; d++) {
      loss += (ridge / 2) * w[d]! * w[d]!;
      gradient[d]! += ridge * w[d]!;
    }
    return { loss, gradient };
  };
  const w = minimised(objective, D + 1, iterations, memory);
  return Object.assign((row: Float64Array) => dot(w, row, D) + w[D]! > 0, { weights: w.subarray(0, D) });
}

/** L-BFGS with a backtracking line search, until the gradient is small. */
function minimised(
  objective: (w: Float64Array) => { loss: number; gradient: Float64Array },
  size: number,
  iterations: number,
  memory: number,
): Float64Array {
  let w = new Float64Array(size);
  let { loss, gradient } = objective(w);
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let iteration = 0; iteration < iterations && Math.sqrt(dot(gradient, gradient, size)) > 1e-6; iteration++) {
    // The two loops: the direction −H g with H from the last steps.
    const direction = gradient.map((value) => -value);
    const alphas = pairs.toReversed().map(({ s, y, rho }) => {
      const alpha = rho * dot(s, direction, size);
      addScaled(direction, y, -alpha);
      return alpha;
    });
    const newest = pairs.at(-1);
    if (newest !== undefined) {
      const scale = 1 / (newest.rho * dot(newest.y, newest.y, size));
      for (let n = 0; n < size; n++) direction[n]! *= scale;
    }
    pairs.forEach(({ s, y, rho }, n) => {
      addScaled(direction, s, alphas[pairs.length - 1 - n]! - rho * dot(y, direction, size));
    });
    const slope = dot(gradient, direction, size);
    let step = 1;
    let next = moved(w, direction, step);
    let found = objective(next);
    while (!(found.loss <= loss + 1e-4 * step * slope) && step > 1e-10) {
      step /= 2;
      next = moved(w, direction, step);
      found = objective(next);
    }
    if (!(found.loss < loss)) break;
    const s = next.map((value, n) => value - w[n]!);
    const y = found.gradient.map((value, n) => value - gradient[n]!);
    const curvature = dot(s, y, size);
    if (curvature > 1e-12) pairs.push({ s, y, rho: 1 / curvature });
    if (pairs.length > memory) pairs.shift();
    [w, loss, gradient] = [next, found.loss, found.gradient];
  }
  return w;
}

const moved = (w: Float64Array, direction: Float64Array, step: number) =>
  w.map((value, n) => value + step * direction[n]!) as Float64Array<ArrayBuffer>;

function addScaled(into: Float64Array, other: Float64Array, scale: number): void {
  for (let n = 0; n < into.length; n++) into[n]! += scale * other[n]!;
}

function dot(a: Float64Array, b: Float64Array, size: number): number {
  let sum = 0;
  for (let n = 0; n < size; n++) sum += a[n]! * b[n]!;
  return sum;
}
