import type { BatchPack, BatchPiece } from "@pruning-bias/data";
import { ndarray, type NDArray, zeros } from "@pruning-bias/runtime";
import { allShared, type Arrays, together } from "@pruning-bias/training";
import { type Classifier, PARTS, WORDS } from "./classifier.ts";
import type { Examples, TokenBatch } from "./examples.ts";
import type { Subject } from "./predict.ts";

export interface BatchGradientsOptions {
  readonly seed: number;
  /** Both halves at once, for a `jit` with two lanes, or one after the other. */
  readonly sideBySide: boolean;
  /** The token whose embedding is not trained. */
  readonly padding: number | null;
}

/** Where the scores train: λ, and the temperature of 2:4 sparsity. */
export interface Pressure {
  readonly lambda: number;
  readonly temperature: number;
}

interface Where {
  /** Examples of the batch. */
  readonly size: number;
  /** Steps made before. */
  readonly step: number;
  readonly pressure?: Pressure;
}

export interface BatchGradients {
  readonly loss: number;
  /** What the regulariser adds to it; 0 where no scores train. */
  readonly penalty: number;
  readonly gradients: Arrays;
  /** To be added to them: of the second half, where the batch has more than one example. */
  readonly more?: Arrays;
}

/**
 * The mean loss of a batch and its gradients, pack by pack. The packs are summed in two halves of like size, which may be
 * computed at once, each on one core: two graphs keep two cores busier than one graph of small operators does.
 *
 * The gradients stay valid until the next call, which writes the same arrays.
 */
export function batchGradients(
  model: Classifier,
  { batch }: Pick<Examples, "batch">,
  { seed, sideBySide, padding }: BatchGradientsOptions,
) {
  const placed = sideBySide ? allShared : (arrays: Arrays): Arrays => arrays;
  const stores: (Arrays | undefined)[] = [undefined, undefined];
  let words: ReturnType<typeof wordGradients> | undefined;
  return async (
    subject: Subject,
    halves: readonly [readonly BatchPack[], readonly BatchPack[]],
    { size, step, pressure }: Where,
  ): Promise<BatchGradients> => {
    const table = subject.trained[WORDS];
    words ??= table && wordGradients(table, padding, placed);
    words?.clear();
    const half = async (side: 0 | 1): Promise<{ loss: number; penalty: number }> => {
      let [loss, penalty] = [0, 0];
      for (const [n, pack] of halves[side].entries()) {
        const number = side === 0 ? n : halves[0].length + n;
        const rows = pack.reduce((sum, piece) => sum + piece.rows.length, 0);
        const own = pressure && { pressure: { ...pressure, part: rows / size } };
        const pieces = filled(pack);
        const tokens = pieces.reduce((sum, piece) => sum + piece.size * piece.width, 0);
        const inputs = { ...subject, batch: batch(pieces), share: 1 / size, ...own };
        const key = { seed, counter: step * MOST_PACKS + number };
        const gradients = stores[side];
        const into = gradients && {
          ...{ loss: ndarray(new Float32Array(1), []), gradients },
          ...(pressure && { penalty: ndarray(new Float32Array(1), []) }),
          ...(table && { words: zeros([tokens, table.shape[1]!]) }),
        };
        const made =
          n === 0
            ? await model.gradients(inputs, key, into)
            : await model.moreGradients({ ...inputs, sum: gradients! }, key, into);
        loss += made.loss.data[0]!;
        penalty += made.penalty?.data[0] ?? 0;
        stores[side] ??= placed(made.gradients);
        if ("parts" in inputs.batch) words?.add(side, idsOf(inputs.batch), made.words!);
      }
      return { loss, penalty };
    };
    const [a, b] = sideBySide ? await together([half(0), half(1)] as const) : [await half(0), await half(1)];
    const of = (side: 0 | 1): Arrays => ({ ...words?.tables[side], ...stores[side] });
    const sums = { loss: a.loss + b.loss, penalty: a.penalty + b.penalty };
    return { ...sums, gradients: of(0), ...(halves[1].length > 0 && { more: of(1) }) };
  };
}

/** Gradients of the table (V, E) of both halves, added up from those of tokens; that of `padding` stays 0, as in PyTorch. */
function wordGradients({ shape }: NDArray, padding: number | null, placed: (arrays: Arrays) => Arrays) {
  const dim = shape[1]!;
  const tables = [placed({ [WORDS]: zeros(shape) }), placed({ [WORDS]: zeros(shape) })] as const;
  const touched = new Set<number>();
  return {
    tables,
    /** Zeroes the rows that were added to, of both: the halves may have been summed. */
    clear(): void {
      for (const { [WORDS]: table } of tables) {
        for (const id of touched) table!.data.fill(0, id * dim, (id + 1) * dim);
      }
      touched.clear();
    },
    add(side: 0 | 1, ids: Iterable<number>, rows: NDArray): void {
      const { data } = tables[side][WORDS]!;
      let token = 0;
      for (const id of ids) {
        const at = token++ * dim;
        if (id === padding) continue;
        touched.add(id);
        for (let i = 0; i < dim; i++) data[id * dim + i]! += rows.data[at + i]!;
      }
    },
  };
}

/** What gradients are multiplied with to be clipped, as PyTorch does it: 1e-6 keeps rounding from leaving the norm above. */
export const clipScale = (norm: number, most: number): number => Math.min(1, most / (norm + 1e-6));

/** As many pieces as the classifier is compiled for: those that are missing are of one row of one token, which counts for nothing. */
const filled = (pack: BatchPack): BatchPack => [
  ...pack,
  ...Array<BatchPiece>(PARTS - pack.length).fill({ rows: new Int32Array(), size: 1, width: 1 }),
];

/** Token ids of all pieces, one after the other. */
function* idsOf({ parts }: TokenBatch): Generator<number> {
  for (const { inputIds } of parts) yield* inputIds.data;
}

/** Noise of each pack has a number of its own. */
const MOST_PACKS = 1 << 16;
