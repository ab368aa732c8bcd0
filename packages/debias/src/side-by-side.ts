import { together } from "@pruning-bias/training";

/** What a run computes on. */
export interface Devices {
  /** How many; 1 by default. */
  readonly devices?: number;
}

/**
 * Results of all in their order, computed as many at once as there are `devices`, each on whichever is free. After an error,
 * which is thrown once all devices are, none takes another.
 */
export async function sideBySide<T, R>(
  all: readonly T[],
  devices: number,
  compute: (one: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = [...all.entries()];
  const device = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, one] = next;
      try {
        results[index] = await compute(one);
      } catch (error) {
        left.length = 0;
        throw error;
      }
    }
  };
  await together(Array.from({ length: Math.min(devices, all.length) }, device));
  return results;
}
