import { type AdamWOptions, biasCorrections } from "./adamw.ts";

/** Numbers that an update reads and writes. */
export type Numbers = Float32Array | Float64Array;

/** One parameter with its moments, all updated in place. */
export interface HostParameter {
  /** [n]: the parameter. */
  readonly p: Numbers;
  /** [n]: its first moment. */
  readonly m: Numbers;
  /** [n]: its second moment. */
  readonly v: Numbers;
}

/** What one update on the host takes besides gradients. */
export interface HostRates {
  /** Of this update. */
  readonly learningRate: number;
  /** Number of this update, from 1. */
  readonly update: number;
  /** Factor of the gradients: what clipping makes of them. 1 by default. */
  readonly scale?: number;
}

/**
 * One step of Adam with decoupled weight decay (Kingma and Ba 2015, Algorithm 1; Loshchilov and Hutter 2019, Algorithm 2), in
 * place, each number in double precision until it is stored. It goes over the memory
 * once where a graph of tensor operations goes over it a dozen times: for the weights of a whole encoder, a third
 * of the processor time a number.
 *
 * @param gradient [n], as the parameter
 * @throws RangeError for moments or a gradient of another size, or an update below 1
 */
export function hostAdamW(
  { p, m, v }: HostParameter,
  gradient: Numbers,
  { learningRate, update, scale = 1 }: HostRates,
  { variant = "transformers", betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }: AdamWOptions = {},
): void {
  if (![m, v, gradient].every(({ length }) => length === p.length)) {
    const got = `${m.length}, ${v.length} and ${gradient.length}`;
    throw new RangeError(`hostAdamW: expected moments and a gradient of ${p.length} numbers, got ${got}`);
  }
  if (!(Number.isInteger(update) && update > 0)) {
    throw new RangeError(`hostAdamW: expected an update from 1, got ${update}`);
  }
  const [b1, b2] = betas;
  const [first, second] = biasCorrections(update, betas);
  const torch = variant === "torch";
  const root = Math.sqrt(second);
  // √v is corrected before eps joins it, which is eps times the correction afterwards: one division a number.
  const size = (learningRate * root) / first;
  const floor = torch ? eps * root : eps;
  const decay = learningRate * weightDecay;
  // transformers decays what the step left. A branch in the loop would make it half as fast.
  const left = torch ? 0 : 1;
  const [c1, c2] = [1 - b1, 1 - b2];
  const { length } = p;
  for (let i = 0; i < length; i++) {
    const g = gradient[i]! * scale;
    const mean = m[i]! * b1 + g * c1;
    const square = v[i]! * b2 + g * g * c2;
    m[i] = mean;
    v[i] = square;
    const step = (size * mean) / (Math.sqrt(square) + floor);
    const before = p[i]!;
    p[i] = before - (step + decay * (before - left * step));
  }
}
