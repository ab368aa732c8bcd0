import { type ClosedHeads, type Effects, type Head, type HeadMap, withClosed } from "./head-map.ts";

/** Heads to close together, and what SEAT then says. */
export interface HeadSet {
  /** In the order in which they were closed. */
  readonly heads: readonly Head[];
  /** With all of them closed. */
  readonly effects: Effects;
  /** From the goal. */
  readonly distance: number;
}

/** Where SEAT is wanted, and how many heads may be closed to get it there. */
export interface HeadSetOptions {
  /** How far effects are from what is wanted; NaN, as of an effect without variance, is never nearer. */
  readonly distance: (effects: Effects) => number;
  /** The distance at which a set will do. */
  readonly enough: number;
  /** Heads that a set may have; 8 by default. */
  readonly most?: number;
  /** How many heads are tried as the second and later ones: those that come nearest alone; 16 by default. */
  readonly candidates?: number;
  /** Each head closed alone, where that is known; measured by default. */
  readonly alone?: readonly (Head & { readonly effects: Effects })[];
}

/**
 * The smallest set of heads that takes SEAT where it is wanted, as far as a greedy search finds it: the head that comes
 * nearest, then the one that comes nearest together with it, and so on, each a set that is yielded; then heads that the others
 * make needless are opened again, which yields once more. Ends where the set will do, where no head comes nearer, or at `most`.
 */
export async function* headSets(
  map: HeadMap,
  { distance, enough, most = 8, candidates = 16, alone }: HeadSetOptions,
): AsyncGenerator<HeadSet> {
  let set: HeadSet & { closed: ClosedHeads } = { heads: [], ...(await measured(map, map.none, distance)) };
  let only: Head[] | undefined;
  while (set.distance > enough && set.heads.length < most) {
    const tried: (Head & { effects: Effects; distance: number })[] = [];
    const rows = set.heads.length === 0 && alone !== undefined ? alone : map.each(set.closed, only);
    for await (const row of rows) {
      const own = distance(row.effects);
      if (!Number.isNaN(own)) tried.push({ ...row, distance: own });
    }
    tried.sort((a, b) => a.distance - b.distance);
    only ??= tried.slice(0, candidates);
    const [best] = tried;
    if (best === undefined || !(best.distance < set.distance)) return;
    const head = { layer: best.layer, head: best.head };
    set = {
      heads: [...set.heads, head],
      closed: withClosed(set.closed, head),
      effects: best.effects,
      distance: best.distance,
    };
    yield shown(set);
  }
  let smaller = set;
  for (const head of set.heads.slice(0, -1)) {
    const heads = smaller.heads.filter((other) => other !== head);
    const without = await measured(map, heads.reduce<ClosedHeads>(withClosed, map.none), distance);
    if (without.distance <= enough) smaller = { heads, ...without };
  }
  if (smaller !== set) yield shown(smaller);
}

/**
 * How far effects are from those of another encoder, such as a fine-pruned one: the largest difference of a test.
 *
 * @throws RangeError, when called, for a test without an effect
 */
export const distanceFrom =
  (wanted: Effects) =>
  (effects: Effects): number =>
    Object.entries(wanted).reduce((most, [test, effect]) => {
      if (effects[test] === undefined) throw new RangeError(`distanceFrom: expected an effect of ${test}, got none`);
      return Math.max(most, Math.abs(effects[test] - effect));
    }, 0);

const measured = async (map: HeadMap, closed: ClosedHeads, distance: HeadSetOptions["distance"]) => {
  const effects = await map.effects(closed);
  return { closed, effects, distance: distance(effects) };
};

const shown = ({ heads, effects, distance }: HeadSet): HeadSet => ({ heads, effects, distance });
