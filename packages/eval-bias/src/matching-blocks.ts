/** A run of `size` equal items: `a[i…]` and `b[j…]`. */
export interface Match {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

/**
 * Runs that two sequences share, found as Ratcliff and Obershelp (1988) do: the longest, then the longest to its left and
 * to its right, and so on. Of equally long ones the earliest in `a`, then in `b`; in sequences of 200 and more, items that make
 * up more than a hundredth of `b` start no run. So Python's `difflib.SequenceMatcher` finds them.
 */
export function matchingBlocks(a: readonly number[], b: readonly number[]): Match[] {
  const places = new Map<number, number[]>();
  b.forEach((item, j) => places.set(item, [...(places.get(item) ?? []), j]));
  const popular = new Set(
    b.length < 200
      ? []
      : [...places].filter(([, at]) => at.length > Math.floor(b.length / 100) + 1).map(([item]) => item),
  );
  const matches: Match[] = [];
  const visit = (fromA: number, toA: number, fromB: number, toB: number): void => {
    const found = longest(fromA, toA, fromB, toB);
    if (found.size === 0) return;
    visit(fromA, found.a, fromB, found.b);
    matches.push(found);
    visit(found.a + found.size, toA, found.b + found.size, toB);
  };
  const longest = (fromA: number, toA: number, fromB: number, toB: number): Match => {
    let best = { a: fromA, b: fromB, size: 0 };
    // Length of the run that ends at a[i − 1] and b[j].
    let lengths = new Map<number, number>();
    for (let i = fromA; i < toA; i++) {
      const longer = new Map<number, number>();
      for (const j of popular.has(a[i]!) ? [] : (places.get(a[i]!) ?? [])) {
        if (j < fromB) continue;
        if (j >= toB) break;
        const size = (lengths.get(j - 1) ?? 0) + 1;
        longer.set(j, size);
        if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
      }
      lengths = longer;
    }
    // Popular items start no run, but they lengthen one.
    while (best.a > fromA && best.b > fromB && a[best.a - 1] === b[best.b - 1])
      best = { a: best.a - 1, b: best.b - 1, size: best.size + 1 };
    while (best.a + best.size < toA && best.b + best.size < toB && a[best.a + best.size] === b[best.b + best.size])
      best = { ...best, size: best.size + 1 };
    return best;
  };
  visit(0, a.length, 0, b.length);
  return matches;
}
