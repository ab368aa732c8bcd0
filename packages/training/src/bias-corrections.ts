/** 1 − β₁ᵗ and 1 − β₂ᵗ for the t-th update, from 1. */
export const biasCorrections = (
  t: number,
  [b1, b2]: readonly [number, number] = [0.9, 0.999],
): readonly [number, number] => [1 - b1 ** t, 1 - b2 ** t];
