/**
 * Uniform numbers in [0, 1) from the generator sfc32 of PractRand (Doty-Humphrey). Resampling draws millions of them: three
 * times as fast here as the `int` of runtime's `generator`, which also rejects for exact uniformity.
 */
export function sfc32(seed: number): () => number {
  let a = 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = seed | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}

/** The whole numbers below `n` in random order. */
export function shuffled(n: number, next: () => number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, index) => index);
  for (let left = n; left > 1; left--) {
    const other = Math.floor(next() * left);
    const last = order[left - 1]!;
    order[left - 1] = order[other]!;
    order[other] = last;
  }
  return order;
}
