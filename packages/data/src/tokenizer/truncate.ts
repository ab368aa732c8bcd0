/**
 * How many tokens each text of a pair keeps when `room` is left for both: `longest_first` of the Rust tokenizers.
 *
 * The shorter (the first where they are equal) keeps min(n, ⌊room/2⌋), the other the rest. The slow Python tokenizers
 * cut otherwise.
 */
export function longestFirst(first: number, second: number, room: number): [number, number] {
  if (first + second <= room) return [first, second];
  const half = Math.floor(room / 2);
  if (first <= second) {
    const kept = Math.min(first, half);
    return [kept, room - kept];
  }
  const kept = Math.min(second, half);
  return [room - kept, kept];
}
