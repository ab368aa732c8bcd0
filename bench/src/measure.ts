/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The most memory that this process has had, megabytes. */
export const peakMegabytes = (): number => Math.round(process.resourceUsage().maxRSS / 1000);

export const round = (value: number, digits = 4): number => Number(value.toPrecision(digits));
