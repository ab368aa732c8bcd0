import { type AdamWOptions, biasCorrections } from "./adamw.ts";
import type { Arrays, OptimizerState, ParameterGroup } from "./optimizer.ts";

/** Numbers that an update reads and writes. */
type Numbers = Float32Array | Float64Array;

/** One parameter with its moments, all updated in place. */
export interface HostParameter {
  readonly p: Numbers;
  readonly m: Numbers;
  readonly v: Numbers;
}

/** What one update on the host takes besides gradients. */
export interface HostRates {
  readonly learningRate: number;
  /** Number of this update, from 1. */
  readonly update: number;
  /** Factor of the gradients: what clipping makes of them. */
  readonly scale?: number;
}

/**
 * One step of `adamW` on the host, in place, each number in double precision until it is stored. It goes over the memory
 * once where a graph of tensor operations goes over it a dozen times: for the weights of a whole encoder, 5 ns a number
 * instead of 16, in processor time.
 */
export function hostAdamW(
  { p, m, v }: HostParameter,
  gradient: Numbers,
  { learningRate, update, scale = 1 }: HostRates,
  { variant = "transformers", betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }: AdamWOptions = {},
): void {
  const [b1, b2] = betas;
  const [first, second] = biasCorrections(update, betas);
  const decay = learningRate * weightDecay;
  const root = Math.sqrt(second);
  if (variant === "torch") {
    const size = learningRate / first;
    for (let i = 0; i < p.length; i++) {
      const g = gradient[i]! * scale;
      const mean = m[i]! * b1 + g * (1 - b1);
      const square = v[i]! * b2 + g * g * (1 - b2);
      m[i] = mean;
      v[i] = square;
      p[i]! -= p[i]! * decay + (size * mean) / (Math.sqrt(square) / root + eps);
    }
    return;
  }
  const size = (learningRate * root) / first;
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i]! * scale;
    const mean = m[i]! * b1 + g * (1 - b1);
    const square = v[i]! * b2 + g * g * (1 - b2);
    m[i] = mean;
    v[i] = square;
    const moved = p[i]! - (size * mean) / (Math.sqrt(square) + eps);
    p[i] = moved - moved * decay;
  }
}

/**
 * `optimizer` on the host: one update of all groups with their learning rates times `factor`, of gradients times `scale`,
 * in place. Parameters without a gradient stay.
 */
export function hostOptimizer(groups: readonly ParameterGroup[]) {
  return (state: OptimizerState, gradients: Arrays, factor: number, scale = 1): OptimizerState => {
    const next = { ...state, updates: state.updates + 1 };
    for (const group of groups) {
      const rates = { learningRate: group.learningRate * factor, update: next.updates, scale };
      for (const name of group.names) {
        const gradient = gradients[name]?.data as Float32Array | undefined;
        if (gradient !== undefined) hostAdamW(parameterOf(state, name), gradient, rates, group);
      }
    }
    return next;
  };
}

const parameterOf = ({ parameters, m, v }: OptimizerState, name: string): HostParameter => ({
  p: parameters[name]!.data as Float32Array,
  m: m[name]!.data as Float32Array,
  v: v[name]!.data as Float32Array,
});
