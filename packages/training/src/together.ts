/**
 * What all promises come to, in their order; where some fail, the first one's error, but not before every one has ended: what
 * still runs would use what its caller has disposed of by then.
 */
export async function together<T>(all: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(all);
  return Promise.all(all);
}
