/** Numbers that an update reads and writes. */
type Numbers = Float32Array | Float64Array;

/** One parameter with its moments, all updated in place. */
export interface AdamWParameter {
  readonly p: Numbers;
  /** Running mean of the gradients. */
  readonly m: Numbers;
  /** Running mean of their squares. */
  readonly v: Numbers;
}

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

export interface AdamWRates {
  readonly learningRate: number;
  /** Number of this update, from 1. */
  readonly update: number;
  /** Factor of the gradients: what clipping makes of them. */
  readonly scale?: number;
}

/**
 * One step of Adam with decoupled weight decay (Kingma and Ba 2015, Algorithm 1; Loshchilov and Hutter 2019, Algorithm 2)
 * on one parameter, in place, each number in double precision until it is stored. It goes over the memory once, where a
 * graph of tensor operations goes over it a dozen times.
 */
export function adamW(
  { p, m, v }: AdamWParameter,
  gradient: Numbers,
  { learningRate, update, scale = 1 }: AdamWRates,
  { variant = "transformers", betas: [b1, b2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }: AdamWOptions = {},
): void {
  const torch = variant === "torch";
  const [first, root] = [1 - b1 ** update, Math.sqrt(1 - b2 ** update)];
  // √v is corrected before eps joins it, or with the learning rate.
  const [size, correction] = torch ? [learningRate / first, root] : [(learningRate * root) / first, 1];
  const decay = learningRate * weightDecay;
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i]! * scale;
    const mean = m[i]! * b1 + g * (1 - b1);
    const square = v[i]! * b2 + g * g * (1 - b2);
    m[i] = mean;
    v[i] = square;
    const step = (size * mean) / (Math.sqrt(square) / correction + eps);
    // transformers decays what the step left.
    const decayed = torch ? p[i]! : p[i]! - step;
    p[i]! -= step + decay * decayed;
  }
}
