import type { Generator } from "@pruning-bias/runtime";

/** How many tokens are predicted, and which never are (Devlin et al. 2019). */
export interface MaskingOptions {
  /** Share of the tokens that are predicted, above 0 and at most 1; .15 by default. */
  readonly probability?: number;
  /** Id of [MASK]. */
  readonly mask: number;
  /** Ids that stay as they are: [CLS], [SEP], padding. */
  readonly special: readonly number[];
  /** Ids below it are drawn in the place of some tokens. */
  readonly vocabularySize: number;
}

/** A batch with tokens to predict: [batch, length] ids and K positions. */
export interface MaskedBatch {
  /** [batch, length]: ids with some masked. */
  readonly inputIds: Int32Array;
  /** [K]: flat positions to predict, row·length + column. */
  readonly positions: Int32Array;
  /** [K]: the ids that stood there. */
  readonly labels: Int32Array;
  /** [K]: one over their number; 0 where a position only fills up to K. */
  readonly weights: Float32Array;
}

/**
 * Hides tokens for a masked language model (Devlin et al. 2019, section 3.1): of the chosen ones 80 % become [MASK], 10 %
 * another token, 10 % stay. K, their number rounded up, depends on the batch's shape alone, so that shapes stay few.
 *
 * @param ids [batch, length], row by row, as the second argument says
 * @throws RangeError for ids of another number, or a probability that is none
 */
export function maskTokens(
  ids: Int32Array,
  [batch, width]: readonly [number, number],
  { probability = 0.15, mask, special, vocabularySize }: MaskingOptions,
  random: Generator,
): MaskedBatch {
  if (ids.length !== batch * width) {
    throw new RangeError(`maskTokens: expected ids [${batch}, ${width}], got ${ids.length}`);
  }
  if (!(probability > 0 && probability <= 1)) {
    throw new RangeError(`maskTokens: expected a probability above 0 and at most 1, got ${probability}`);
  }
  const count = Math.ceil(batch * width * probability);
  const candidates = Int32Array.from(ids.keys()).filter((position) => !special.includes(ids[position]!));
  const wanted = Math.min(count, Math.max(1, Math.round(candidates.length * probability)));
  const chosen = random.shuffle(candidates).subarray(0, wanted).toSorted();
  const inputIds = ids.slice();
  const positions = new Int32Array(count);
  const labels = new Int32Array(count);
  const weights = new Float32Array(count);
  for (const [k, position] of chosen.entries()) {
    positions[k] = position;
    labels[k] = ids[position]!;
    weights[k] = 1 / chosen.length;
    const draw = random.uniform();
    if (draw < 0.8) inputIds[position] = mask;
    else if (draw < 0.9) inputIds[position] = random.int(vocabularySize);
  }
  return { inputIds, positions, labels, weights };
}
