/** What a run computes on. */
export interface Devices {
  /** How many; 1 by default. */
  readonly devices?: number;
}

/** Results of all in their order, computed as many at once as there are `devices`, each on whichever is free. */
export async function sideBySide<T, R>(
  all: readonly T[],
  devices: number,
  compute: (one: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = all.entries();
  const device = async (): Promise<void> => {
    for (const [index, one] of left) results[index] = await compute(one);
  };
  await Promise.all(Array.from({ length: Math.min(devices, all.length) }, device));
  return results;
}
