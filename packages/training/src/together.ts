/**
 * What all promises come to, in their order; where some fail, the first one's error, but not before every one has ended: what
 * still runs would use what its caller has disposed of by then.
 */
export async function together<const T extends readonly Promise<unknown>[]>(
  all: T,
): Promise<{ -readonly [at in keyof T]: Awaited<T[at]> }> {
  await Promise.allSettled(all);
  return Promise.all(all);
}
