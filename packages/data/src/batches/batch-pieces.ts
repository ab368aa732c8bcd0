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
  /** Positions that the model has: no piece is padded beyond. */
  readonly positions: number;
  /** Most rows of a piece; as many as the budget allows where absent. */
  readonly most?: number;
}

/**
 * Cuts rows, [n] of examples whose `lengths` are in tokens, into pieces of like length within a budget of tokens, so that
 * their padding, fillers and number together cost least. Few shapes come about, for each is compiled: widths are multiples of
 * 8, sizes powers of two (or `most`).
 *
 * @throws RangeError for an option below 1, or a row without a length
 */
export function batchPieces(
  rows: Int32Array,
  lengths: ArrayLike<number>,
  { tokenBudget, positions, most = Infinity }: BatchPiecesOptions,
): BatchPiece[] {
  for (const [name, count] of Object.entries({ tokenBudget, positions, most })) {
    if (!(count >= 1)) throw new RangeError(`batchPieces: ${name}: expected at least 1, got ${count}`);
  }
  const sorted = byLength(rows, lengths);
  const allowed = sizes.filter((size) => size < most);
  if (most <= largest) allowed.push(most);
  const [smallest] = allowed as [number];
  const widthTo = (end: number): number => {
    const longest = lengths[sorted[end - 1]!]!;
    return Math.max(longest, Math.min(8 * Math.ceil(longest / 8), positions));
  };
  // cheapest[end]: what the first `end` rows cost, and the size of their last piece.
  const cheapest = [{ cost: 0, size: 0 }];
  for (let end = 1; end <= sorted.length; end++) {
    const width = widthTo(end);
    let best = { cost: Infinity, size: smallest };
    for (const size of allowed) {
      if (size > smallest && size * width > tokenBudget) break;
      const cost = cheapest[Math.max(0, end - size)]!.cost + size * width + PIECE;
      if (cost < best.cost) best = { cost, size };
    }
    cheapest.push(best);
  }
  const cut: BatchPiece[] = [];
  for (let end = sorted.length; end > 0;) {
    const { size } = cheapest[end]!;
    const start = Math.max(0, end - size);
    cut.push({ rows: sorted.subarray(start, end), size, width: widthTo(end) });
    end = start;
  }
  return cut;
}

/** Rows, [n], from the shortest to the longest; among equals the first. @throws RangeError for a row without a length */
export function byLength(rows: Int32Array, lengths: ArrayLike<number>): Int32Array {
  const outside = rows.find((row) => lengths[row] === undefined);
  if (outside !== undefined) throw new RangeError(`byLength: expected rows below ${lengths.length}, got ${outside}`);
  return rows.toSorted((a, b) => lengths[a]! - lengths[b]! || a - b);
}

const sizes = [4, 8, 16, 32, 64, 128, 256];
const largest = sizes.at(-1)!;
/** What a piece costs beside its tokens, in tokens: its gradients are added to the others', and its graph is started. */
const PIECE = 24;
