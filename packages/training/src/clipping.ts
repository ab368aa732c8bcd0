import type { Arrays } from "./optimizer.ts";

/** √(Σ g²) over all elements of all arrays, [any shape], summed in float64. */
export function globalNorm(gradients: Arrays): number {
  let sum = 0;
  for (const { data } of Object.values(gradients)) {
    for (let i = 0; i < data.length; i++) sum += data[i]! * data[i]!;
  }
  return Math.sqrt(sum);
}

/**
 * Scales all gradients, [any shape], in place so that their global norm is at most `maxNorm` (Pascanu et al. 2013).
 *
 * @param maxNorm no limit by default
 * @returns the norm that they had
 * @throws RangeError for a negative norm or NaN
 */
export function clipByGlobalNorm(gradients: Arrays, maxNorm = Infinity): number {
  if (!(maxNorm >= 0)) throw new RangeError(`clipByGlobalNorm: expected a norm of at least 0, got ${maxNorm}`);
  const norm = globalNorm(gradients);
  // As PyTorch does: 1e-6 keeps rounding from leaving the norm above.
  const scale = maxNorm / (norm + 1e-6);
  if (!(scale < 1)) return norm;
  for (const { data } of Object.values(gradients)) {
    for (let i = 0; i < data.length; i++) data[i]! *= scale;
  }
  return norm;
}
