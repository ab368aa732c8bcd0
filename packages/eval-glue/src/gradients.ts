import { ndarray, shared } from "@pruning-bias/runtime";
import type { Arrays } from "@pruning-bias/training";
import type { Piece } from "./batches.ts";
import type { Classifier } from "./classifier.ts";
import type { Examples } from "./examples.ts";
import type { Subject } from "./predict.ts";

export interface BatchGradientsOptions {
  readonly seed: number;
  /** Both halves at once, for a `jit` with two lanes, or one after the other. */
  readonly sideBySide: boolean;
}

interface Where {
  /** Examples of the batch. */
  readonly size: number;
  /** Steps made before. */
  readonly step: number;
}

export interface BatchGradients {
  readonly loss: number;
  readonly gradients: Arrays;
  /** To be added to them: of the second half, where the batch has more than one piece. */
  readonly more?: Arrays;
}

/**
 * The mean loss of a batch and its gradients, piece by piece. The pieces are summed in two halves of like size, which may be
 * computed at once, each on one core: two graphs keep two cores busier than one graph of small operators does.
 *
 * The gradients stay valid until the next call, which writes the same arrays.
 */
export function batchGradients(
  model: Classifier,
  { batch }: Pick<Examples, "batch">,
  { seed, sideBySide }: BatchGradientsOptions,
) {
  const stores: (Arrays | undefined)[] = [undefined, undefined];
  return async (subject: Subject, cut: readonly Piece[], { size, step }: Where): Promise<BatchGradients> => {
    const half = async (own: readonly Numbered[], side: number): Promise<number> => {
      let loss = 0;
      for (const [n, { piece, number }] of own.entries()) {
        const inputs = { ...subject, batch: batch(piece), share: 1 / size };
        const key = { seed, counter: step * MOST_PIECES + number };
        const gradients = stores[side];
        const into = gradients && { loss: ndarray(new Float32Array(1), []), gradients };
        const made =
          n === 0
            ? await model.gradients(inputs, key, into)
            : await model.moreGradients({ ...inputs, sum: gradients! }, key, into);
        loss += made.loss.data[0]!;
        stores[side] ??= sideBySide ? allShared(made.gradients) : made.gradients;
      }
      return loss;
    };
    const [first, second] = halves(cut);
    const losses = sideBySide
      ? await Promise.all([half(first, 0), half(second, 1)])
      : [await half(first, 0), await half(second, 1)];
    const more = second.length > 0 ? stores[1] : undefined;
    return { loss: losses[0]! + losses[1]!, gradients: stores[0]!, ...(more && { more }) };
  };
}

/** Copies that the threads of a `jit` with lanes read and write in place. */
export const allShared = (arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, shared(array)]));

/** Noise of each piece has a number of its own. */
const MOST_PIECES = 1 << 16;

interface Numbered {
  readonly piece: Piece;
  readonly number: number;
}

/** Two lists of about as many tokens: the largest piece first, each to the list that has less. */
function halves(cut: readonly Piece[]): [Numbered[], Numbered[]] {
  const tokens = ({ piece: { size, width } }: Numbered) => size * width;
  const numbered = cut.map((piece, number): Numbered => ({ piece, number }));
  const [first, second]: [Numbered[], Numbered[]] = [[], []];
  let lead = 0;
  for (const one of numbered.toSorted((a, b) => tokens(b) - tokens(a) || a.number - b.number)) {
    (lead <= 0 ? first : second).push(one);
    lead += (lead <= 0 ? 1 : -1) * tokens(one);
  }
  return [first, second];
}
