import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { withGradient } from "./fused/with-gradient.ts";
import { tf } from "./tf.ts";

/** Noise inside a tensor function. Each draw is a *site*, numbered in program order. */
export interface Random {
  /**
   * Zeroes each element with probability `rate` and scales the others so that the mean stays (Srivastava et al. 2014): [shape
   * of x]. The rate is rounded to a multiple of 1/256, since one byte of noise decides.
   *
   * @throws RangeError for a rate outside of [0, 1)
   */
  dropout<T extends tf.Tensor>(x: T, rate: number): T;
  /** What `dropout` multiplies by, [shape], for functions that apply it inside; none where the rate is rounded to 0. */
  dropoutMask(shape: readonly number[], rate: number): DropoutMask | undefined;
  /** Float32 numbers, [shape], evenly spread over the open interval (0, 1): odd multiples of 2⁻²⁴. Carries no gradient. */
  uniform(shape: readonly number[]): tf.Tensor;
}

/** Ones and zeros of a site: made twice, so that no more than bytes is kept from the forward to the backward pass. */
export interface DropoutMask {
  /** [shape asked for]: 1 where an element is kept, else 0. */
  readonly forward: () => tf.Tensor;
  /** [shape asked for]: the same, made again. */
  readonly backward: () => tf.Tensor;
  /** What kept elements are multiplied by, 1 / (1 − rate). */
  readonly scale: number;
}

/** What a backend draws at the next site. */
export interface Draws {
  /** 1 with the bytes at or above `least`, else 0. */
  mask(shape: readonly number[], least: number): Omit<DropoutMask, "scale">;
  /** Bytes as float32 numbers. */
  bytes(shape: readonly number[]): tf.Tensor;
}

/** `Random` over what a backend draws. */
export function randomFrom(draw: Draws): Random {
  const dropoutMask = (shape: readonly number[], rate: number): DropoutMask | undefined => {
    if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout: expected a rate in [0, 1), got ${rate}`);
    const least = Math.round(rate * 256);
    return least === 0 ? undefined : { ...draw.mask(shape, least), scale: 256 / (256 - least) };
  };
  return {
    dropoutMask,
    dropout<T extends tf.Tensor>(x: T, rate: number): T {
      const mask = dropoutMask(x.shape, rate);
      if (mask === undefined) return x;
      const { forward, backward, scale } = mask;
      const masked = withGradient((_, x: T) => ({
        value: tf.mul<T>(x, tf.mul(forward(), scale)),
        gradient: (dy) => tf.mul(dy, tf.mul(backward(), scale)),
      }));
      return masked(x);
    },
    uniform(shape: readonly number[]): tf.Tensor {
      // 23 bits: every step is exact in float32, so that all backends agree to the bit.
      const [high, middle, low] = tf.unstack(draw.bytes([3, ...shape])) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const upper = tf.mul(tf.floor(tf.mul(high, 1 / 2)), 65_536);
      const bits = tf.add(tf.add(upper, tf.mul(middle, 256)), low);
      return tf.mul(tf.add(tf.mul(bits, 2), 1), 2 ** -24);
    },
  };
}

/** Sequential random numbers on the host, the same for a seed on every machine. */
export interface Generator {
  /** In [0, 1). */
  uniform(): number;
  /** Standard normal (Box and Muller 1958). */
  normal(): number;
  /** An integer in [0, bound). @throws RangeError for a bound that is no whole number above 0 */
  int(bound: number): number;
  /** Shuffles in place (Fisher and Yates) and returns its argument. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T;
  /** Where it stands: whole numbers, from which `generatorAt` goes on. */
  state(): readonly number[];
}

/** A generator (xoroshiro128+) for a seed, all 53 bits of it. @throws RangeError for a seed that is no whole number */
export function generator(seed: number): Generator {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`generator: expected a whole number as seed, got ${seed}`);
  // Of 32 bits, signed or not, as xoroshiro128plus(seed), which looks at no others.
  const high = seed >= -(2 ** 31) && seed < 2 ** 32 ? 0 : Math.floor(seed / 2 ** 32) | 0;
  return generatorAt([-1, ~seed, seed | 0, high]);
}

/** The generator whose `state` this was, at that point. */
export const generatorAt = (state: readonly number[]): Generator => generatorOf(xoroshiro128plusFromState(state));

function generatorOf(bits: ReturnType<typeof xoroshiro128plusFromState>): Generator {
  const int = (bound: number): number => {
    if (!(Number.isInteger(bound) && bound > 0)) {
      throw new RangeError(`generator: expected a bound above 0, got ${bound}`);
    }
    return uniformInt(bits, 0, bound - 1);
  };
  const uniform = (): number => uniformFloat64(bits);
  return {
    uniform,
    int,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    shuffle(items) {
      for (let last = items.length - 1; last > 0; last--) {
        const other = int(last + 1);
        [items[last], items[other]] = [items[other], items[last]];
      }
      return items;
    },
    state: () => bits.getState(),
  };
}
