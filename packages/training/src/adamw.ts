/** Constants of AdamW (Loshchilov and Hutter 2019), and whose variant it is. */
export interface AdamWOptions {
  /**
   * Where eps joins. `transformers`, the default: p −= lr·√(1−β₂ᵗ)/(1−β₁ᵗ)·m/(√v + eps), then p −= lr·wd·p, as in transformers
   * 4.12, so that early steps of small gradients are up to 30 times smaller. `torch`: p −= lr·wd·p, then p −=
   * lr/(1−β₁ᵗ)·m/(√(v/(1−β₂ᵗ)) + eps).
   */
  readonly variant?: "transformers" | "torch";
  /** β₁ and β₂, decay of the moments; .9 and .999 by default. */
  readonly betas?: readonly [number, number];
  /** Keeps the step finite; 1e-8 by default. */
  readonly eps?: number;
  /** wd, times the learning rate; 0 by default. */
  readonly weightDecay?: number;
}

/** 1 − β₁ᵗ and 1 − β₂ᵗ for the t-th update, from 1 (Kingma and Ba 2015, Algorithm 1); β₁ = .9 and β₂ = .999 by default. */
export const biasCorrections = (
  t: number,
  [b1, b2]: readonly [number, number] = [0.9, 0.999],
): readonly [number, number] => [1 - b1 ** t, 1 - b2 ** t];
