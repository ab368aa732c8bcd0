/** Constants of AdamW (Loshchilov and Hutter 2019), and whose variant it is. */
export interface AdamWOptions {
  /**
   * Where eps joins. `transformers`: p −= lr·√(1−β₂ᵗ)/(1−β₁ᵗ)·m/(√v + eps), then p −= lr·wd·p, as in transformers 4.12, so
   * that early steps of small gradients are up to 30 times smaller. `torch`: p −= lr·wd·p, then
   * p −= lr/(1−β₁ᵗ)·m/(√(v/(1−β₂ᵗ)) + eps).
   */
  readonly variant?: "transformers" | "torch";
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly weightDecay?: number;
}

/** 1 − β₁ᵗ and 1 − β₂ᵗ for the t-th update, from 1. */
export const biasCorrections = (
  t: number,
  [b1, b2]: readonly [number, number] = [0.9, 0.999],
): readonly [number, number] => [1 - b1 ** t, 1 - b2 ** t];
