import type { Random, tf } from "@pruning-bias/runtime";

/** A `Random` that drops nothing and remembers what it was asked for. */
export function recordingRandom(): { random: Random; calls: [rank: number, rate: number][] } {
  const calls: [rank: number, rate: number][] = [];
  const random: Random = {
    dropout<T extends tf.Tensor>(x: T, rate: number): T {
      calls.push([x.rank, rate]);
      return x;
    },
    dropoutMask(shape, rate) {
      calls.push([shape.length, rate]);
      return undefined;
    },
    uniform() {
      throw new Error("expected no uniform noise in an encoder");
    },
  };
  return { random, calls };
}
