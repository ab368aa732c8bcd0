import { type GlueExamples, type GlueTask, glueTasks, paddedWidth, type Tokenizer } from "@pruning-bias/data";
import { ndarray, type NDArray } from "@pruning-bias/runtime";

/** A split as token ids, not padded. */
export interface Encoded {
  /** Of each example, with special tokens. */
  readonly inputIds: readonly (readonly number[])[];
  /** 1 in the second text. */
  readonly tokenTypeIds: readonly (readonly number[])[];
  readonly labels: GlueExamples["labels"];
}

/** Examples of one batch on the host: B rows of S tokens. */
export interface GlueBatch {
  /** (B, S) int32. */
  readonly inputIds: NDArray;
  readonly attentionMask: NDArray;
  readonly tokenTypeIds: NDArray;
  /** (B), int32 classes or float32 scores. */
  readonly labels: NDArray;
  /** (B): 1 for an example, 0 for a row that only fills the batch. */
  readonly rowWeights: NDArray;
}

/**
 * Tokenises the examples of a task, pairs cut longest first.
 *
 * @throws RangeError for a split without examples, or labels that are none of the task's (−1 in a test split)
 */
export function encodeExamples(
  task: GlueTask,
  { first, second, labels }: GlueExamples,
  tokenizer: Tokenizer,
  what: string,
): Encoded {
  if (first.length === 0) throw new RangeError(`${task}: ${what}: expected examples, got none`);
  const classes = glueTasks[task].labels;
  const wrong = labels.findIndex((label) => classes > 1 && !(label >= 0 && label < classes));
  if (wrong >= 0) {
    const expected = `expected labels from 0 to ${classes - 1}`;
    throw new RangeError(`${task}: ${what}: ${expected}, got ${labels[wrong]} in example ${wrong}`);
  }
  const encoded = first.map((text, n) => tokenizer.encode(text, second?.[n]));
  return {
    inputIds: encoded.map(({ inputIds }) => inputIds),
    tokenTypeIds: encoded.map(({ tokenTypeIds }) => tokenTypeIds),
    labels,
  };
}

export interface BatchOptions {
  readonly batchSize: number;
  /** Id of the padding token. */
  readonly pad: number;
  /** Positions that the model has: no batch is padded beyond. */
  readonly positions: number;
}

/** The examples at `rows`, padded to a bucket's width and to `batchSize` rows, so that few shapes are compiled. */
export function glueBatch(
  { inputIds, tokenTypeIds, labels }: Encoded,
  rows: ArrayLike<number>,
  { batchSize, pad, positions }: BatchOptions,
): GlueBatch {
  const longest = Math.max(...Array.from(rows, (row) => inputIds[row]!.length));
  const width = paddedWidth(longest, positions);
  const ids = new Int32Array(batchSize * width).fill(pad);
  const [mask, types] = [new Int32Array(batchSize * width), new Int32Array(batchSize * width)];
  const own = labels instanceof Int32Array ? new Int32Array(batchSize) : new Float32Array(batchSize);
  Array.from(rows).forEach((row, n) => {
    ids.set(inputIds[row]!, n * width);
    types.set(tokenTypeIds[row]!, n * width);
    mask.fill(1, n * width, n * width + inputIds[row]!.length);
    own[n] = labels[row]!;
  });
  // A filler row attends to one padding token: without any its softmax would be over nothing.
  for (let n = rows.length; n < batchSize; n++) mask[n * width] = 1;
  return {
    inputIds: ndarray(ids, [batchSize, width]),
    attentionMask: ndarray(mask, [batchSize, width]),
    tokenTypeIds: ndarray(types, [batchSize, width]),
    labels: ndarray(own),
    rowWeights: ndarray(new Float32Array(batchSize).fill(1, 0, rows.length)),
  };
}
