/** A piece of a batch that goes through the encoder at once: `rows` examples, filled up to `size`, `width` tokens each. */
export interface BatchPiece {
  /** [n]: which examples, at most `size`. */
  readonly rows: Int32Array;
  /** Rows of the batch, fillers counted. */
  readonly size: number;
  /** Tokens of a row, padding counted. */
  readonly width: number;
}

/** How the rows of a batch are cut into pieces. */
export interface BatchPiecesOptions {
  /** Most tokens of a piece, padding counted, but for one of the smallest size that has more. */
  readonly tokenBudget: number;
  /** Positions that the model has: no piece of few shapes is padded beyond. Any number by default. */
  readonly positions?: number;
  /** Most rows of a piece; as many as the budget allows where absent. */
  readonly most?: number;
  /** Pieces of every size and width, for a function that is compiled once for all of them; by default of few. */
  readonly anyShape?: boolean;
}

/**
 * Cuts rows, [n] of examples whose `lengths` are in tokens, into pieces of like length within a budget of tokens, so that
 * their padding, fillers and number together cost least. Where each shape is compiled few come about: widths are multiples of
 * 8, sizes powers of two (or `most`).
 *
 * @throws RangeError for an option below 1, or a row without a length
 */
export function batchPieces(rows: Int32Array, lengths: ArrayLike<number>, options: BatchPiecesOptions): BatchPiece[] {
  const { piece, cheapest } = cuts(byLength(rows, lengths), lengths, options);
  const cut: BatchPiece[] = [];
  for (let end = rows.length; end > 0;) {
    const found = piece(end, cheapest[end]!.size);
    cut.push(found);
    end -= found.rows.length;
  }
  return cut;
}

/** Options of `batchHalves`. */
export interface BatchHalvesOptions extends Pick<BatchPiecesOptions, "tokenBudget"> {
  /** Most pieces of a pack. */
  readonly parts: number;
}

/** Pieces of like length each that go through the encoder together. */
export type BatchPack = readonly BatchPiece[];

/**
 * Two lists of packs of the rows, [n] of examples whose `lengths` are in tokens, that cost about the same, to be computed at
 * once: of the shorter rows and of the longer ones. Most often a list is of one pack, more where the budget of tokens (a pack's)
 * wants it. The second is empty where there is one row.
 *
 * @throws RangeError for an option below 1, or a row without a length
 */
export function batchHalves(
  rows: Int32Array,
  lengths: ArrayLike<number>,
  { tokenBudget, parts }: BatchHalvesOptions,
): [BatchPack[], BatchPack[]] {
  expectAtLeastOne("batchHalves", { tokenBudget, parts });
  const sorted = byLength(rows, lengths);
  const packs = (own: Int32Array): BatchPack[] => {
    if (own.length === 0) return [];
    const pack = tightest(own, lengths, parts);
    if (own.length === 1 || tokensOf(pack) <= tokenBudget) return [pack];
    const middle = own.length >> 1;
    return [...packs(own.subarray(0, middle)), ...packs(own.subarray(middle))];
  };
  const cost = (half: readonly BatchPack[]) => half.reduce((sum, pack) => sum + tokensOf(pack) + PIECE, 0);
  let best: { cost: number; halves: [BatchPack[], BatchPack[]] } | undefined;
  for (let at = Math.ceil(sorted.length / 2); at <= sorted.length; at++) {
    const halves: [BatchPack[], BatchPack[]] = [packs(sorted.subarray(0, at)), packs(sorted.subarray(at))];
    const longest = Math.max(...halves.map(cost));
    if (best !== undefined && longest > best.cost) break;
    best = { cost: longest, halves };
  }
  return best!.halves;
}

/** The cut of rows from short to long into so many pieces, or less, that has the fewest tokens. */
function tightest(sorted: Int32Array, lengths: ArrayLike<number>, parts: number): BatchPack {
  const width = (end: number) => lengths[sorted[end - 1]!]!;
  // Rows of one length stand together: no cut between them has fewer tokens.
  const ends = [0, ...Array.from(sorted, (_, row) => row + 1)].filter(
    (end) => end === 0 || end === sorted.length || width(end) !== width(end + 1),
  );
  const last = ends.length - 1;
  /** Up to each end, in so many pieces as were looked at: the fewest tokens, and where the last piece starts. */
  let tokens = ends.map((end) => (end === 0 ? 0 : Infinity));
  const starts: number[][] = [];
  for (let count = 1; count <= Math.min(parts, last); count++) {
    const [before, own] = [tokens, [...tokens]];
    const from = Array<number>(ends.length).fill(-1);
    for (let to = 1; to <= last; to++) {
      for (let start = count - 1; start < to; start++) {
        const all = before[start]! + (ends[to]! - ends[start]!) * width(ends[to]!);
        if (all < own[to]!) [own[to], from[to]] = [all, start];
      }
    }
    starts.push(from);
    tokens = own;
  }
  const pack: BatchPiece[] = [];
  for (let to = last; to > 0;) {
    const start = starts.pop()![to]!;
    // One piece less is as good.
    if (start < 0) continue;
    const rows = sorted.subarray(ends[start]!, ends[to]!);
    pack.unshift({ rows, size: rows.length, width: width(ends[to]!) });
    to = start;
  }
  return pack;
}

const tokensOf = (pack: BatchPack): number => pack.reduce((sum, { size, width }) => sum + size * width, 0);

/** The cheapest cut of the first `end` rows, for every `end`: what it costs, and the size of its last piece. */
function cuts(
  sorted: Int32Array,
  lengths: ArrayLike<number>,
  { tokenBudget, positions = Infinity, most = Infinity, anyShape = false }: BatchPiecesOptions,
) {
  expectAtLeastOne("batchPieces", { tokenBudget, positions, most });
  const allowed = anyShape ? sorted.map((_, n) => n + 1).subarray(0, most) : sizes.filter((size) => size < most);
  if (!anyShape && most <= largest) (allowed as number[]).push(most);
  const smallest = allowed[0]!;
  const widthTo = (end: number): number => {
    const longest = lengths[sorted[end - 1]!]!;
    return anyShape ? longest : Math.max(longest, Math.min(8 * Math.ceil(longest / 8), positions));
  };
  const cheapest = [{ cost: 0, size: 0 }];
  for (let end = 1; end <= sorted.length; end++) {
    const width = widthTo(end);
    let best = { cost: Infinity, size: smallest };
    for (const size of allowed) {
      if (size > smallest && (size * width > tokenBudget || (anyShape && size > end))) break;
      const cost = cheapest[Math.max(0, end - size)]!.cost + size * width + PIECE;
      if (cost < best.cost) best = { cost, size };
    }
    cheapest.push(best);
  }
  const piece = (end: number, size: number): BatchPiece => ({
    rows: sorted.subarray(Math.max(0, end - size), end),
    ...{ size, width: widthTo(end) },
  });
  return { cheapest, piece };
}

function expectAtLeastOne(where: string, options: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(options)) {
    if (!(count >= 1)) throw new RangeError(`${where}: ${name}: expected at least 1, got ${count}`);
  }
}

/** Rows, [n], from the shortest to the longest; among equals the first. @throws RangeError for a row without a length */
export function byLength(rows: Int32Array, lengths: ArrayLike<number>): Int32Array {
  const outside = rows.find((row) => lengths[row] === undefined);
  if (outside !== undefined) throw new RangeError(`byLength: expected rows below ${lengths.length}, got ${outside}`);
  return rows.toSorted((a, b) => lengths[a]! - lengths[b]! || a - b);
}

const sizes = [4, 8, 16, 32, 64, 128, 256];
const largest = sizes.at(-1)!;
/** What a piece, or a pack, costs beside its tokens, in tokens: its gradients are added to the others', and its graph is started. */
const PIECE = 24;
