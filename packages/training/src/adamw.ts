import { tf } from "@pruning-bias/runtime";

/** Tensors by name: parameters, gradients or moments. */
export type Tensors = Readonly<Record<string, tf.Tensor>>;

/** Moments of every parameter, by name (Kingma and Ba 2015). */
export interface AdamWState {
  /** Running mean of the gradients. */
  readonly m: Tensors;
  /** Running mean of their squares. */
  readonly v: Tensors;
}

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

/** What changes from step to step, as float32 scalars: tensors, so that one compiled update serves all steps. */
export interface AdamWRates {
  readonly learningRate: tf.Scalar;
  /** 1 − β₁ᵗ and 1 − β₂ᵗ, t counted from 1; see `biasCorrections`. */
  readonly corrections: readonly [tf.Scalar, tf.Scalar];
}

/**
 * One step of Adam with decoupled weight decay (Loshchilov and Hutter 2019) for one parameter group.
 *
 * @returns parameters and moments after the step, under the names of `gradients`
 */
export function adamW(
  parameters: Tensors,
  gradients: Tensors,
  state: AdamWState,
  { learningRate, corrections: [first, second] }: AdamWRates,
  { variant = "transformers", betas: [b1, b2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }: AdamWOptions = {},
): { parameters: Tensors; state: AdamWState } {
  const decay = (p: tf.Tensor) => (weightDecay === 0 ? p : tf.sub(p, tf.mul(p, tf.mul(learningRate, weightDecay))));
  const updated = Object.entries(gradients).map(([name, g]) => {
    const m = tf.add(tf.mul(state.m[name]!, b1), tf.mul(g, 1 - b1));
    const v = tf.add(tf.mul(state.v[name]!, b2), tf.mul(tf.square(g), 1 - b2));
    const p = parameters[name]!;
    if (variant === "torch") {
      const direction = tf.div(m, tf.add(tf.div(tf.sqrt(v), tf.sqrt(second)), eps));
      return { name, m, v, p: tf.sub(decay(p), tf.mul(tf.div(learningRate, first), direction)) };
    }
    const size = tf.div(tf.mul(learningRate, tf.sqrt(second)), first);
    return { name, m, v, p: decay(tf.sub(p, tf.mul(size, tf.div(m, tf.add(tf.sqrt(v), eps))))) };
  });
  const pick = (key: "m" | "v" | "p"): Tensors => Object.fromEntries(updated.map((u) => [u.name, u[key]]));
  return { parameters: pick("p"), state: { m: pick("m"), v: pick("v") } };
}

/** 1 − β₁ᵗ and 1 − β₂ᵗ for the t-th update, from 1. */
export const biasCorrections = (
  t: number,
  [b1, b2]: readonly [number, number] = [0.9, 0.999],
): readonly [number, number] => [1 - b1 ** t, 1 - b2 ** t];
