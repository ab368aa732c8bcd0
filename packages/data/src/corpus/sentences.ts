/**
 * Tokenised sentences, one after the other without padding.
 *
 * Sentence `i` has the ids and masks from `offsets[i]` to `offsets[i + 1]`, [CLS] and [SEP] among them.
 */
export interface Sentences {
  /** N: sentences. */
  readonly length: number;
  /** [N + 1]: positions in `inputIds` and `keywordMask`, the first 0. */
  readonly offsets: Int32Array;
  /** [tokens of all]: ids, with special tokens. */
  readonly inputIds: Uint16Array | Uint32Array;
  /** [tokens of all]: at each token, how many sub-tokens of the sentence's keywords equal it. */
  readonly keywordMask: Uint8Array;
  /** [N]: where each sentence stands in its corpus, counted from 0. */
  readonly lines: Uint32Array;
}

/** Sentences of given token ids, without keywords. */
export function sentencesOf(rows: readonly (readonly number[])[]): Sentences {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length));
  const inputIds = Uint32Array.from(rows.flat());
  const lines = Uint32Array.from(rows.keys());
  return { length: rows.length, offsets, inputIds, keywordMask: new Uint8Array(inputIds.length), lines };
}

/** The sentences of `a`, then those of `b`. */
export function concat(a: Sentences, b: Sentences): Sentences {
  const tokens = a.inputIds.length;
  const offsets = new Int32Array(a.length + b.length + 1);
  offsets.set(a.offsets);
  for (let i = 1; i <= b.length; i++) offsets[a.length + i] = tokens + b.offsets[i]!;
  const wide = a.inputIds instanceof Uint32Array || b.inputIds instanceof Uint32Array;
  return {
    length: a.length + b.length,
    offsets,
    inputIds: joined(new (wide ? Uint32Array : Uint16Array)(tokens + b.inputIds.length), a.inputIds, b.inputIds),
    keywordMask: joined(new Uint8Array(tokens + b.inputIds.length), a.keywordMask, b.keywordMask),
    lines: joined(new Uint32Array(a.length + b.length), a.lines, b.lines),
  };
}

/** The sentences at `rows`, in that order; a row may come more than once. @throws RangeError for a row that there is not */
export function take(sentences: Sentences, rows: ArrayLike<number>): Sentences {
  const { length, offsets, inputIds, keywordMask, lines } = sentences;
  const taken = { offsets: new Int32Array(rows.length + 1), lines: new Uint32Array(rows.length) };
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (!(Number.isInteger(row) && row >= 0 && row < length))
      throw new RangeError(`take: expected rows below ${length}, got ${row}`);
    taken.offsets[i + 1] = taken.offsets[i]! + offsets[row + 1]! - offsets[row]!;
    taken.lines[i] = lines[row]!;
  }
  const tokens = taken.offsets[rows.length]!;
  const ids = new (inputIds instanceof Uint32Array ? Uint32Array : Uint16Array)(tokens);
  const mask = new Uint8Array(tokens);
  for (let i = 0; i < rows.length; i++) {
    const [start, end] = [offsets[rows[i]!]!, offsets[rows[i]! + 1]!];
    ids.set(inputIds.subarray(start, end), taken.offsets[i]);
    mask.set(keywordMask.subarray(start, end), taken.offsets[i]);
  }
  return { length: rows.length, inputIds: ids, keywordMask: mask, ...taken };
}

function joined<T extends Uint8Array | Uint16Array | Uint32Array>(
  into: T,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): T {
  into.set(a);
  into.set(b, a.length);
  return into;
}
